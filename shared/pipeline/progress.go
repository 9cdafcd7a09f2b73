package pipeline

import (
	"context"
	"time"

	"github.com/b2brecs/b2brecs/shared/events"
)

// Progress is the event of a task that tells how far it is, e.g. after every
// epoch of training. It is advice: it MAY be lost, repeated or late, and a task
// that is run again tells the same steps again.
type Progress struct {
	Job  string    `json:"job"`
	Task string    `json:"task"`
	Time time.Time `json:"time"`
	// Values as the component reports them; the trainer: epoch, epochs, loss,
	// val_recall@10, examples_per_second. Numbers only.
	Values map[string]float64 `json:"values"`
	// Labels of the job, so that a consumer finds its run.
	Labels map[string]string `json:"labels,omitempty"`
}

// TopicProgress carries Progress; keyed by job.
var TopicProgress = events.Topic[Progress]{Name: "pipeline-progress", Type: "b2brecs.pipeline.progress.v1"}

// Warmer is what a driver offers that can start before its first job comes.
type Warmer interface {
	// Prewarm makes the next job start sooner. It returns at once; repeated
	// calls cost nothing.
	Prewarm(ctx context.Context)
}

// Prewarm makes the next job start sooner, where the driver can.
func (r *Runner) Prewarm(ctx context.Context) {
	if w, ok := r.Driver.(Warmer); ok {
		w.Prewarm(ctx)
	}
}
