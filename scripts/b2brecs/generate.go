package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/b2brecs/b2brecs/functions"
)

func openAPICommand() *cobra.Command {
	return &cobra.Command{
		Use: "openapi", Short: "Print the OpenAPI document", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			b, err := functions.OpenAPI()
			if err != nil {
				return err
			}
			_, err = os.Stdout.Write(b)
			return err
		},
	}
}

func functionsCommand() *cobra.Command {
	var markdown bool
	cmd := &cobra.Command{
		Use: "functions", Short: "Print the catalogue of functions", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if markdown {
				fmt.Print(functions.Markdown())
				return nil
			}
			b, err := functions.JSON()
			if err != nil {
				return err
			}
			_, err = os.Stdout.Write(b)
			return err
		},
	}
	cmd.Flags().BoolVar(&markdown, "markdown", false, "print the reference table instead of JSON")
	return cmd
}
