package fault

// What a call without effect can meet: its lost reply is an error, and asking twice
// changes nothing.
var read = []Kind{Error, Delay}

// What a call can meet whose contract says that a second one changes nothing.
var repeatable = []Kind{Error, Delay, Lost, Duplicate}

// What a call can meet that is not repeated by any client for its caller: the second
// one would have another effect, or find nothing.
var once = []Kind{Error, Delay, Lost}

// rules says which faults a method takes. A wrapped method without a rule, and a rule
// without its method, fail a test.
var rules = map[string][]Kind{
	"events.Publish":     repeatable, // a repeated id may be delivered once or twice
	"events.DeadLetters": read,
	"events.Replay":      once,       // the second one would be NotFound
	"events.Handler":     repeatable, // deliveries: not made, late, acknowledged in vain, made twice

	"state.Get":   read,
	"state.Query": read,
	"state.Watch": read, // a stream; its slow readers are the driver's business
	// A driver MUST find out what became of a commit without an answer, and say
	// Unavailable only of what was not written. So of a lost reply this much is left:
	// the transaction runs to its end and is undone. See stateDriver.Transact.
	"state.Transact":        once,
	"state.DriverTx.Get":    read,
	"state.DriverTx.Put":    read, // no effect before the commit; each document at most once
	"state.DriverTx.Delete": read,

	"objects.Generation":            read,
	"objects.Signer.SignUpload":     read,
	"objects.Bucket.Attributes":     read,
	"objects.Bucket.ListPaged":      read,
	"objects.Bucket.NewRangeReader": read,
	"objects.Bucket.SignedURL":      read,
	"objects.Bucket.NewTypedWriter": read,
	"objects.Bucket.Copy":           repeatable, // the object is written whole, again
	"objects.Bucket.Delete":         once,       // the second one would be NotFound
	// The end of a write: given up, late, unheard; written once more, which is another
	// generation with another event. A write that must not replace is not repeated.
	"objects.Writer.Close": repeatable,

	"warehouse.Create":      repeatable, // the same table is fine
	"warehouse.Table":       read,
	"warehouse.Tables":      read,
	"warehouse.Drop":        repeatable, // absent is not an error
	"warehouse.Commit":      repeatable, // the id makes it one
	"warehouse.Committed":   read,
	"warehouse.Head":        read,
	"warehouse.Query":       read,
	"warehouse.DryRun":      read,
	"warehouse.Materialize": repeatable, // replaces
	"warehouse.Export":      repeatable, // replaces

	"workflow.Start":  repeatable, // the id makes it one
	"workflow.Get":    read,
	"workflow.Cancel": repeatable, // one that has ended stays as it is

	"pipeline.Submit": repeatable, // the id makes it one
	"pipeline.Get":    read,
	"pipeline.Cancel": repeatable, // one that has ended stays as it is
	"pipeline.Logs":   read,

	"schedule.Put":    repeatable, // replaces
	"schedule.Get":    read,
	"schedule.List":   read,
	"schedule.Delete": repeatable, // absent is not an error
	"schedule.Pause":  repeatable, // says what shall be
	"schedule.RunNow": once,       // fires once

	"secret.Put":     repeatable, // another version with the same payload
	"secret.Get":     read,
	"secret.Destroy": repeatable, // absent is not an error

	"identity.Verify":       read,
	"identity.ServiceToken": read,

	"http.RoundTrip": repeatable, // functions are idempotent, callbacks too
}
