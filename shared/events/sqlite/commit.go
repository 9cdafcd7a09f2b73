package sqlite

import (
	"github.com/b2brecs/b2brecs/shared/internal/sqlitefile"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// maxBatch bounds one commit, so that the first of a batch does not wait long.
const maxBatch = 256

// op is one change of the queue. run may be called again when the batch it was
// in failed; after runs in commit order with the outcome: nil is durable.
type op struct {
	run   func(*sqlitefile.Tx) error
	after func(error)
	done  chan error // one slot; nil when nobody waits
}

// commit is the only writer: it takes whatever has queued up while the former
// commit ran and commits it as one.
func (d *Driver) commit() {
	defer close(d.done)
	for {
		var batch []*op
		select {
		case o := <-d.ops:
			batch = append(batch, o)
		case <-d.stop:
			select { // what was accepted before the stop is committed
			case o := <-d.ops:
				batch = append(batch, o)
			default:
				return
			}
		}
	drain:
		for len(batch) < maxBatch {
			select {
			case o := <-d.ops:
				batch = append(batch, o)
			default:
				break drain
			}
		}
		err := d.write(batch)
		if err != nil && len(batch) > 1 { // one bad change MUST NOT take the others with it
			for i := range batch {
				d.finish(batch[i:i+1], d.write(batch[i:i+1]))
			}
			continue
		}
		d.finish(batch, err)
	}
}

func (d *Driver) write(batch []*op) error {
	return d.file.Write(d.commits, func(t *sqlitefile.Tx) error {
		for _, o := range batch {
			if err := o.run(t); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *Driver) finish(batch []*op, err error) {
	for _, o := range batch {
		if o.after != nil {
			o.after(err)
		}
		switch {
		case o.done != nil:
			o.done <- err
		case err != nil:
			d.opt.Log.Error("event queue cannot be written", "error", err)
		}
	}
}

// send queues a change without waiting for its commit.
func (d *Driver) send(o *op) bool {
	select {
	case <-d.stop:
		return false
	default:
	}
	select {
	case d.ops <- o:
		return true
	case <-d.stop:
		return false
	}
}

// do queues a change and waits until it is durable or ended ends. In the latter
// case the change may still be made.
func (d *Driver) do(ended <-chan struct{}, o *op) (err error, waited bool) {
	o.done = make(chan error, 1)
	if !d.send(o) {
		return errClosed(), true
	}
	select {
	case err = <-o.done:
		return err, true
	case <-ended:
		return nil, false
	case <-d.done:
		select { // it may have been the last batch
		case err = <-o.done:
			return err, true
		default:
			return errClosed(), true
		}
	}
}

func errClosed() error { return problem.New(problem.Unavailable, "the event queue is closed") }
