package firestore

import "time"

// lockWait is how long a commit waits for older readers of its documents. The service
// documents no number.
const lockWait = 5 * time.Second

// lock makes a commit's documents its own: younger transactions that have read them
// lose them, older ones are waited for, so that no two wait for each other. t is nil
// for a commit without a transaction, the youngest of all. It is called with the
// lock of s held, which it gives away while it waits.
func (s *Server) lock(t *tx, names []string) error {
	until := time.Now().Add(lockWait)
	defer time.AfterFunc(lockWait, s.released.Broadcast).Stop()
	for {
		wait := false
		now := time.Now()
		for _, u := range s.txs {
			if u == t || u.wounded || u.expired(now) {
				continue
			}
			for _, name := range names {
				if _, reads := u.reads[name]; !reads {
					continue
				}
				if t != nil && t.age < u.age {
					u.wounded = true
					s.released.Broadcast() // it may be waiting here itself
				} else {
					wait = true
				}
			}
		}
		switch {
		case t != nil && t.wounded, wait && !now.Before(until):
			return contention()
		case !wait:
			return nil
		}
		s.released.Wait()
	}
}
