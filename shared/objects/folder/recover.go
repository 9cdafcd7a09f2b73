package folder

import (
	"context"
	"encoding/json"
	"io/fs"

	"github.com/b2brecs/b2brecs/shared/objects"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// Recover publishes the events that are still owed because the bus refused them.
// Open has done so for what a killed process left.
func (d *Driver) Recover(ctx context.Context) error { return d.settle(ctx, false) }

// settle goes through the intents. At the start there is no write in progress: an
// intent whose object is not in place is void, and so is every temporary file.
func (d *Driver) settle(ctx context.Context, start bool) error {
	notes, err := fs.ReadDir(d.root.FS(), intentDir)
	if err != nil {
		return objects.Problem(err, intentDir)
	}
	for _, n := range notes {
		if !start {
			if _, err := d.root.Stat(tempDir + "/" + n.Name()); err == nil {
				continue // its write is not done
			}
		}
		if err := d.settleOne(ctx, intentDir+"/"+n.Name()); err != nil {
			return err
		}
	}
	if !start {
		return nil
	}
	temps, err := fs.ReadDir(d.root.FS(), tempDir)
	if err != nil {
		return objects.Problem(err, tempDir)
	}
	for _, t := range temps {
		if err := d.root.Remove(tempDir + "/" + t.Name()); err != nil && !notExist(err) {
			return objects.Problem(err, tempDir)
		}
	}
	return nil
}

func (d *Driver) settleOne(ctx context.Context, note string) error {
	text, err := d.root.ReadFile(note)
	if notExist(err) {
		return nil // its write ended meanwhile
	}
	if err != nil {
		return objects.Problem(err, note)
	}
	var i intent
	if json.Unmarshal(text, &i) == nil { // a torn note is from before the rename
		fi, err := d.stat(i.Key)
		if err == nil && generation(fi) == i.Generation {
			if err := d.publish(ctx, i.Key, fi); err != nil {
				return problem.Wrap(err, problem.CodeOf(err), "publish the event of %s/%s", d.name, i.Key)
			}
		}
	}
	if err := d.root.Remove(note); err != nil && !notExist(err) {
		return objects.Problem(err, note)
	}
	return nil
}
