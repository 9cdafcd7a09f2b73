package experiment

// The verdicts, best first.
const (
	BeatsItemKNN    = "beats item-kNN"
	BetweenBaseline = "between popularity and item-kNN"
	BelowPopularity = "below popularity"
)

// deciding is the metric that verdicts compare: ten items are what a person looks at.
const deciding = "recall@10"

// Verdict places the model among its baselines by recall@10. A tie with a
// baseline counts as reaching it. A model below the best-seller list is below
// popularity even when item-kNN is worse still.
func Verdict(m Metrics) string {
	model := m.Model[deciding]
	switch {
	case model < m.Popularity[deciding]:
		return BelowPopularity
	case model < m.ItemKNN[deciding]:
		return BetweenBaseline
	}
	return BeatsItemKNN
}
