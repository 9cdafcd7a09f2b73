package codegen

import (
	"fmt"

	"github.com/b2brecs/b2brecs/shared/feature"
)

// Warnings about a valid feature definition that may not do what its author
// hopes; they never block.
func Warnings(d feature.Definition) []string {
	var out []string
	query := map[string]bool{}
	for _, f := range d.Query.Features {
		query[f.Column] = true
	}
	for _, f := range d.Candidate.Features {
		if query[f.Column] {
			out = append(out, fmt.Sprintf("%q is in both towers: each can read the answer off the other's input.", f.Column))
		}
	}
	for _, t := range []feature.Tower{d.Query, d.Candidate} {
		for _, f := range t.Features {
			if f.DataType == feature.Temporal && (f.Normalize != nil || f.Bucketize != nil) {
				out = append(out, fmt.Sprintf("%q as a position in time: every future request lies beyond what training saw. Calendar cycles repeat.", f.Column))
			}
			if f.PrimaryID && f.Embedding != nil && f.Embedding.MinFrequency < 2 && f.Embedding.MaxSize == 0 {
				out = append(out, fmt.Sprintf("The vocabulary of %q keeps every value, so the vector of an unknown one is never trained. A minimum frequency of 2 trains it on the rare ones.", f.Column))
			}
		}
	}
	return out
}
