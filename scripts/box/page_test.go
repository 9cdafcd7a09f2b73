package main

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/frontend"
	"github.com/b2brecs/b2brecs/scripts/box/home"
	"github.com/b2brecs/b2brecs/shared/platform/cloudbox"
)

// People sign in on the page, at an issuer with pages of its own, in a real browser;
// frontend/e2e/cloud.mjs is what they do.
func TestPage(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: the page's sign-in in a browser takes half a minute")
	}
	chromium := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if at, err := exec.LookPath(name); err == nil && chromium == "" {
			chromium = at
		}
	}
	folder := filepath.Join("..", "..", "frontend")
	if _, err := os.Stat(filepath.Join(folder, "e2e", "cloud.mjs")); err != nil { // asked for, so that a change of it is a new test
		t.Fatal(err)
	}
	_, built := fs.Stat(frontend.Page(), "index.html")
	_, installed := os.Stat(filepath.Join(folder, "node_modules", "playwright-core"))
	if chromium == "" || built != nil || installed != nil {
		t.Skip("SKIPPED: the page's sign-in in a browser needs Chromium, and the page as scripts/build makes it")
	}
	const life = 63 * time.Second // the page renews a minute before the end
	b := openWith(t, home.Options{Single: true, TokenLife: life})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "node", "e2e/cloud.mjs")
	c.Dir = folder
	c.Env = append(os.Environ(), "CHROMIUM="+chromium, "B2BRECS_URL="+b.URL, "B2BRECS_OWNER="+cloudbox.Owner, "B2BRECS_COLLEAGUE="+cloudbox.Colleague,
		"B2BRECS_TOKEN_LIFE="+strconv.Itoa(int(life.Seconds())))
	said, err := c.CombinedOutput()
	if t.Logf("%s", said); err != nil {
		t.Error(err)
	}
}
