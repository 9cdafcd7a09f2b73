package recommend

import (
	"context"
	"time"

	"github.com/b2brecs/b2brecs/shared/experiment"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// Service reads recommendations.
type Service struct {
	State     *state.DB
	Warehouse *warehouse.Warehouse
}

// Source of a list.
type Source string

const (
	Model   Source = "model"   // the customer's own list
	Popular Source = "popular" // the best sellers
)

// Item is one recommended product.
type Item struct {
	Product string  `json:"product"`
	Score   float64 `json:"score" doc:"Of the model; comparable within one list only."`
	Rank    int64   `json:"rank" doc:"From 1."`
	Seen    bool    `json:"seen" doc:"The customer bought it before."`
	// Attributes are the product's features as training last saw them.
	Attributes map[string]any `json:"attributes,omitempty"`
}

// Purchase is what a customer bought.
type Purchase struct {
	Product    string         `json:"product"`
	Time       time.Time      `json:"time,omitzero" doc:"Of the newest purchase; absent without a time column."`
	Count      int64          `json:"count" doc:"Rows in the dataset."`
	Attributes map[string]any `json:"attributes,omitempty"`
}

// List is the answer for one customer.
type List struct {
	Customer   string     `json:"customer"`
	Experiment string     `json:"experiment"`
	Source     Source     `json:"source" enum:"model,popular"`
	Reason     string     `json:"reason,omitempty" doc:"Why the source is not the model."`
	Items      []Item     `json:"items" nullable:"false"`
	Bought     []Purchase `json:"bought,omitempty" doc:"Newest first, when asked for."`
}

// Query asks for a list.
type Query struct {
	Project    string
	Customer   string
	Experiment string // "" = the project's choice
	K          int    // 1..100; 0 means 10
	// ExcludeSeen leaves out what the customer bought before.
	ExcludeSeen bool
	// Bought asks for so many of the customer's purchases; 0..100.
	Bought int
}

// choice is the experiment a project answers from.
type choice struct {
	Experiment string `json:"experiment"`
}

const choiceID = "recommendations"

func (s Service) choices(project string) *state.Collection[choice] {
	return state.Of[choice](s.State, "projects/"+project+"/choices")
}

// Choose sets the experiment a project answers from. FailedPrecondition unless
// it completed.
func (s Service) Choose(ctx context.Context, project, id string) error {
	if _, err := s.completed(ctx, project, id); err != nil {
		return err
	}
	return s.choices(project).Put(ctx, choiceID, choice{id})
}

func (s Service) completed(ctx context.Context, project, id string) (experiment.Experiment, error) {
	e, err := experiment.Of(s.State, project).Get(ctx, id)
	if problem.Is(err, problem.NotFound) {
		return e, problem.New(problem.NotFound, "there is no experiment %q in this project", id)
	}
	if err == nil && e.Status != experiment.Completed {
		return e, problem.New(problem.FailedPrecondition, "experiment #%d has no recommendations: it is %s", e.Number, e.Status).
			WithNext(problem.TurnYou, "Choose a completed experiment.")
	}
	return e, err
}

// Experiment resolves which experiment answers: the named one, the project's
// choice, or the newest completed one. NotFound when none has completed.
func (s Service) Experiment(ctx context.Context, project, id string) (experiment.Experiment, error) {
	if id != "" {
		return s.completed(ctx, project, id)
	}
	chosen, err := s.choices(project).Get(ctx, choiceID)
	if err == nil {
		e, err := s.completed(ctx, project, chosen.Experiment)
		if !problem.Is(err, problem.NotFound) { // a deleted choice is none
			return e, err
		}
	} else if !problem.Is(err, problem.NotFound) {
		return experiment.Experiment{}, err
	}
	page, err := experiment.Of(s.State, project).Query(ctx, state.Query{
		Where: []state.Where{{Field: "status", Op: state.Eq, Value: string(experiment.Completed)}}, Desc: true, Limit: 1,
	})
	if err != nil {
		return experiment.Experiment{}, err
	}
	if len(page.Items) == 0 {
		return experiment.Experiment{}, problem.New(problem.NotFound, "no experiment of this project has completed yet").
			WithNext(problem.TurnYou, "Run an experiment; its recommendations appear when it ends.")
	}
	return page.Items[0], nil
}

// For gives a customer's list.
func (s Service) For(ctx context.Context, q Query) (List, error) {
	if q.K == 0 {
		q.K = 10
	}
	p := problem.New(problem.InvalidArgument, "the recommendations cannot be read as asked")
	if q.K < 1 || q.K > experiment.ListLength {
		p = p.WithField("k", "must be between 1 and %d, not %d", experiment.ListLength, q.K)
	}
	if q.Bought < 0 || q.Bought > 100 {
		p = p.WithField("bought", "must be between 0 and 100, not %d", q.Bought)
	}
	if q.Customer == "" {
		p = p.WithField("customer", "is missing")
	}
	if len(p.Fields) > 0 {
		return List{}, p
	}
	e, err := s.Experiment(ctx, q.Project, q.Experiment)
	if err != nil {
		return List{}, err
	}
	out := List{Customer: q.Customer, Experiment: e.ID, Source: Model}
	if out.Items, err = s.items(ctx, e, q.Customer, q.K, q.ExcludeSeen); err != nil {
		return out, err
	}
	if len(out.Items) == 0 {
		known, err := s.known(ctx, e, q.Customer)
		if err != nil {
			return out, err
		}
		if known {
			out.Reason = "This customer has bought everything on the list before."
		} else {
			out.Source, out.Reason = Popular, "This customer has no purchases in the experiment's data: these are the best sellers."
			if out.Items, err = s.items(ctx, e, "", q.K, false); err != nil {
				return out, err
			}
		}
	}
	if q.Bought > 0 {
		if out.Bought, err = s.bought(ctx, e, q.Customer, q.Bought); err != nil {
			return out, err
		}
	}
	return out, s.describe(ctx, e, &out)
}
