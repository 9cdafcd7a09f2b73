package experiment

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// maxEmbedded bounds statistics and schema inside a history document; a state
// document holds less than 1 MB. Larger ones stay in the run folder only.
const maxEmbedded = 350_000

// evaluation is evaluation.json, which the evaluator writes.
type evaluation struct {
	Protocol   Protocol           `json:"protocol"`
	Model      Scores             `json:"model"`
	Popularity Scores             `json:"popularity"`
	ItemKNN    Scores             `json:"item_knn"`
	Timings    map[string]float64 `json:"timings"`
}

// training is the part of training_metrics.json that is kept in state.
type training struct {
	Epochs      []int                 `json:"epochs"` // counted from 0
	Loss        map[string][]*float64 `json:"loss"`
	WeightNorms map[string][]*float64 `json:"weight_norms"`
	Final       map[string]*float64   `json:"final_metrics"`
	Params      map[string]any        `json:"params"`
	BestEpoch   *int                  `json:"best_epoch"` // counted from 1; 0 is the untrained model
	Timings     map[string]float64    `json:"timings"`
}

// Harvest reads what a pipeline that succeeded left in the run folder, and puts
// the recommendations into the warehouse. It may be repeated: the commit carries
// an id of the run's own. A missing or unreadable file is FailedPrecondition.
func Harvest(ctx context.Context, bucket *objects.Bucket, w *warehouse.Warehouse, e Experiment, ended time.Time) (Result, History, error) {
	var r Result
	var ev evaluation
	if err := readJSON(ctx, bucket, e.Root+"evaluation.json", &ev); err != nil {
		return r, History{}, err
	}
	if len(ev.Model) == 0 || len(ev.Protocol.Cutoffs) == 0 {
		return r, History{}, problem.New(problem.FailedPrecondition, "evaluation.json of experiment #%d holds no scores or no protocol", e.Number)
	}
	h, t, err := readHistory(ctx, bucket, e)
	if err != nil {
		return r, h, err
	}
	for step, seconds := range ev.Timings {
		h.Timings["evaluator."+step] = seconds
	}
	r = Result{
		Metrics: Metrics{Protocol: ev.Protocol, Model: ev.Model, Popularity: ev.Popularity, ItemKNN: ev.ItemKNN},
		Epochs:  len(t.Epochs), Ended: ended,
	}
	r.Metrics.Verdict = Verdict(r.Metrics)
	if losses := t.Loss["loss"]; t.BestEpoch != nil && *t.BestEpoch >= 0 && *t.BestEpoch <= len(losses) {
		if r.BestEpoch = t.BestEpoch; *t.BestEpoch > 0 {
			r.Loss = losses[*t.BestEpoch-1]
		}
	}
	r.Recommendations, err = loadRecommendations(ctx, bucket, w, e)
	return r, h, err
}

// Curves reads the history of a run that did not succeed, as far as it came.
// FailedPrecondition when it had not begun to train.
func Curves(ctx context.Context, bucket *objects.Bucket, e Experiment) (History, error) {
	h, _, err := readHistory(ctx, bucket, e)
	return h, err
}

// readHistory reads the training curves, statistics and schema of a run.
func readHistory(ctx context.Context, bucket *objects.Bucket, e Experiment) (History, training, error) {
	h := History{Experiment: e.ID, Epochs: []int{}, Series: map[string][]*float64{}, Timings: map[string]float64{}}
	var t training
	if err := readJSON(ctx, bucket, e.Root+"training_metrics.json", &t); err != nil {
		return h, t, err
	}
	for _, n := range t.Epochs {
		h.Epochs = append(h.Epochs, n+1)
	}
	for prefix, series := range map[string]map[string][]*float64{"": t.Loss, "weight_norm.": t.WeightNorms} {
		for name, values := range series {
			if len(values) == len(t.Epochs) {
				h.Series[prefix+name] = values
			}
		}
	}
	h.Final, h.Params = t.Final, t.Params
	for step, seconds := range t.Timings {
		h.Timings["trainer."+step] = seconds
	}
	for _, doc := range []struct {
		file string
		into *map[string]any
	}{{"statistics.json", &h.Statistics}, {"schema.json", &h.Schema}} {
		raw, err := bucket.Read(ctx, e.Root+doc.file)
		if problem.Is(err, problem.NotFound) {
			continue
		}
		if err != nil {
			return h, t, err
		}
		if len(raw) > maxEmbedded {
			*doc.into = map[string]any{"available": false, "message": fmt.Sprintf("%s has %d bytes and is kept in the run folder only", doc.file, len(raw))}
		} else if err := json.Unmarshal(raw, doc.into); err != nil {
			return h, t, problem.Wrap(err, problem.FailedPrecondition, "%s of experiment #%d cannot be read", doc.file, e.Number)
		}
	}
	return h, t, nil
}

func readJSON(ctx context.Context, bucket *objects.Bucket, key string, into any) error {
	raw, err := bucket.Read(ctx, key)
	if problem.Is(err, problem.NotFound) {
		return problem.Wrap(err, problem.FailedPrecondition, "the pipeline succeeded but left no %s", key[strings.LastIndexByte(key, '/')+1:])
	}
	if err != nil {
		return err
	}
	return problem.Wrap(json.Unmarshal(raw, into), problem.FailedPrecondition, "%s cannot be read", key)
}

// RecommendationColumns of a run's table: the best products of each customer,
// rank from 1; the customer "" stands for anybody, with the best sellers.
var RecommendationColumns = []warehouse.Column{
	{Name: "customer", Type: warehouse.String},
	{Name: "rank", Type: warehouse.Int64},
	{Name: "product", Type: warehouse.String},
	{Name: "score", Type: warehouse.Float64},
	{Name: "seen", Type: warehouse.Bool, Description: "the customer bought it before"},
}

func loadRecommendations(ctx context.Context, bucket *objects.Bucket, w *warehouse.Warehouse, e Experiment) (int64, error) {
	list, err := bucket.List(ctx, e.Root+"recommendations/")
	if err != nil {
		return 0, err
	}
	var uris []string
	for _, o := range list {
		if strings.HasSuffix(o.Key, ".parquet") {
			uris = append(uris, bucket.URI(o.Key))
		}
	}
	if len(uris) == 0 {
		return 0, problem.New(problem.FailedPrecondition, "the pipeline succeeded but left no recommendations")
	}
	table := RecommendationTable(e.Project, e.ID)
	err = w.Create(ctx, warehouse.Table{
		Ref: table, Columns: RecommendationColumns, ClusterBy: []string{"customer"},
		Description: fmt.Sprintf("Recommendations of experiment #%d", e.Number), Labels: e.Labels(),
	})
	if err != nil {
		return 0, err
	}
	res, err := w.Commit(ctx, warehouse.Commit{ID: "recommendations-" + e.ID, Target: table, URIs: uris, Mode: warehouse.Replace})
	return res.Read, err
}
