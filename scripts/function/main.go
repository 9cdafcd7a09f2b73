// Command function runs the deploy unit as Google Cloud's build does: the function
// named in FUNCTION_TARGET on the port in PORT, 8080 when it is empty.
package main

import (
	"log"
	"os"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"

	_ "github.com/b2brecs/b2brecs" // registers the catalogue
)

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	if err := funcframework.Start(port); err != nil {
		log.Fatal(err)
	}
}
