// Package recommend answers what a customer would buy next, from the lists that
// a completed experiment left in the warehouse.
//
// It promises to say whose list it gives: a customer the model does not know gets
// the best sellers and is told so. Without a choice the newest completed
// experiment answers; a project may choose another one.
//
// It refuses to compute: a list is as old as its experiment.
package recommend
