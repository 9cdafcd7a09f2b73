package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/b2brecs/b2brecs/scripts/sample"
	"github.com/b2brecs/b2brecs/shared/problem"
)

func sampleCommand() *cobra.Command {
	var size, out string
	var seed uint64
	var run bool
	cmd := &cobra.Command{
		Use: "sample", Short: "Write the sample company's files, or take the company to recommendations", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if run {
				c, closeClient, err := connect(cmd)
				if err != nil {
					return err
				}
				return errors.Join(runSample(cmd.Context(), c, size, asJSON(cmd)), closeClient())
			}
			files, err := writeSample(size, out, seed)
			if err != nil {
				return err
			}
			if asJSON(cmd) {
				return printJSON(os.Stdout, map[string]any{"files": files, "seed": seed, "size": size})
			}
			fmt.Printf("seed %d, size %s:\n", seed, size)
			for _, f := range files {
				fmt.Println("  " + f)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&size, "size", "small", "small (100,000 transactions) or large (5,000,000)")
	cmd.Flags().StringVar(&out, "out", ".", "folder to write to")
	cmd.Flags().Uint64Var(&seed, "seed", sampleSeed, "the same seed gives the same files")
	cmd.Flags().BoolVar(&run, "run", false, "take the company from raw files to recommendations on the data folder; nothing is written to --out")
	cmd.MarkFlagsMutuallyExclusive("run", "out")
	cmd.MarkFlagsMutuallyExclusive("run", "seed")
	return cmd
}

// writeSample writes customers.csv, products.csv and transactions.parquet, each
// atomically, and gives their names.
func writeSample(size, dir string, seed uint64) ([]string, error) {
	o, err := sample.Size(size)
	if err != nil {
		return nil, problem.New(problem.InvalidArgument, "%s", err.Error())
	}
	o.Seed = seed
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, problem.Wrap(err, problem.FailedPrecondition, "the folder %s cannot be made", dir)
	}
	c := sample.New(o)
	var names []string
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{{"customers.csv", c.WriteCustomers}, {"products.csv", c.WriteProducts}, {"transactions.parquet", c.WriteTransactions}} {
		name := filepath.Join(dir, f.name)
		if err := writeAtomic(name, f.write); err != nil {
			return nil, problem.Wrap(err, problem.ResourceExhausted, "the sample file %s cannot be written", name)
		}
		names = append(names, name)
	}
	return names, nil
}

func writeAtomic(name string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".sample-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // after the rename there is nothing left to remove
	err = write(f)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
