// Package frontend holds the built web page. A build without it serves the API alone.
package frontend

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var files embed.FS

// Page is the built page, rooted at its index.html. Before the page is
// built its folder holds nothing but .gitkeep, which vite copies from public.
func Page() fs.FS {
	page, err := fs.Sub(files, "dist")
	if err != nil {
		panic("frontend: " + err.Error()) // the path is a constant and valid
	}
	return page
}
