package folder

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"sync"
)

// seenFile lists the generations whose event was published, one JSON line each.
// It exists once a folder is watched: the bus forgets ids after its retention,
// and a scan MUST NOT load last year's files again.
const seenFile = reserved + "/seen.jsonl"

type ledger struct {
	root *os.Root
	mu   sync.Mutex
	file *os.File
	gens map[string]string // key -> generation; nil until the folder is watched
	off  bool              // closed
}

// open reads the list, keeping the entries that alive accepts, and writes it
// anew without the rest. Again is not an error.
func (l *ledger) open(alive func(key, gen string) bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gens != nil {
		return nil
	}
	text, err := l.root.ReadFile(seenFile)
	if err != nil && !notExist(err) {
		return err
	}
	gens := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		var i intent
		if json.Unmarshal(lines.Bytes(), &i) == nil { // a torn last line is published again
			gens[i.Key] = i.Generation
		}
	}
	var out bytes.Buffer
	for key, gen := range gens {
		if !alive(key, gen) {
			delete(gens, key)
			continue
		}
		if err := json.NewEncoder(&out).Encode(intent{key, gen}); err != nil {
			return err
		}
	}
	temp := tempDir + "/seen"
	if err := l.root.WriteFile(temp, out.Bytes(), 0o600); err != nil {
		return err
	}
	if err := l.root.Rename(temp, seenFile); err != nil {
		return err
	}
	if l.file, err = l.root.OpenFile(seenFile, os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return err
	}
	l.gens = gens
	return nil
}

// add notes a published generation. While the folder is not watched it only
// appends to a list that is there already.
func (l *ledger) add(key, gen string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.off {
		return nil
	}
	if l.file == nil {
		f, err := l.root.OpenFile(seenFile, os.O_APPEND|os.O_WRONLY, 0o600)
		if notExist(err) {
			return nil
		}
		if err != nil {
			return err
		}
		l.file = f
	}
	line, err := json.Marshal(intent{key, gen})
	if err != nil {
		return err
	}
	if _, err := l.file.Write(append(line, '\n')); err != nil {
		return err
	}
	if l.gens != nil {
		l.gens[key] = gen
	}
	return nil
}

func (l *ledger) has(key, gen string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gens[key] == gen
}

func (l *ledger) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.off = true
	if l.file != nil {
		l.file.Close()
	}
}
