package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/scripts/b2brecs/client"
	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/identity/people"
	"github.com/b2brecs/b2brecs/shared/platform/cloudbox"
	"github.com/b2brecs/b2brecs/shared/problem"
)

// A colleague of the owner's, who signs in at the issuer, is let in, brings a file
// straight into the bucket, and is put out again, through the deployed functions.
func TestColleague(t *testing.T) {
	b := open(t, true)
	how, err := client.Get[identity.SignIn](t.Context(), client.New(b.URL, ""), "/v1/sign-in")
	if err != nil || how.Method != identity.OIDC || how.Issuer == "" || how.ClientID == "" {
		t.Fatalf("%+v, %v", how, err)
	}
	const email = "vera@b2brecs-box.example"
	token, err := b.PersonToken("Vera@b2brecs-box.example", "Vera", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	vera := client.New(b.URL, token)
	me := func() (identity.Principal, error) { return client.Get[identity.Principal](t.Context(), vera, "/v1/me") }
	if _, err := me(); !problem.Is(err, problem.PermissionDenied) {
		t.Errorf("before she is let in: %v", err)
	}
	if _, err := client.Get[identity.Principal](t.Context(), b.client(), "/v1/me"); err != nil { // the first visit makes the owner's account
		t.Fatal(err)
	}
	add := map[string]string{"email": email, "role": string(identity.Manager)}
	for range 2 {
		if u, err := client.Post[people.User](t.Context(), b.client(), "/v1/people", add, ""); err != nil || u.Subject != email || u.Role != identity.Manager {
			t.Fatalf("%+v, %v", u, err)
		}
	}
	if p, err := me(); err != nil || p.Role != identity.Manager || p.Email != email {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := client.Do[struct{}](t.Context(), vera, http.MethodDelete, "/v1/people/"+email, nil, ""); !problem.Is(err, problem.PermissionDenied) {
		t.Errorf("a manager removes: %v", err)
	}

	csv, want := orders(1, 500)
	way, err := client.Post[struct {
		URL    string `json:"url"`
		Signed bool   `json:"signed"`
	}](t.Context(), vera, "/v1/uploads:sign", map[string]any{"key": "orders.csv", "size": len(csv)}, "")
	if err != nil || !way.Signed || strings.HasPrefix(way.URL, b.URL) {
		t.Fatalf("%+v, %v", way, err)
	}
	if err := vera.Upload(t.Context(), "orders.csv", int64(len(csv)), strings.NewReader(csv), nil); err != nil {
		t.Fatal(err)
	}
	for _, r := range b.ended(t, 1) {
		if r.Status != etl.Completed || r.Trigger != "upload" {
			t.Errorf("%+v", r)
		}
	}
	b.holds(t, "orders", want)

	if _, err := client.Do[struct{}](t.Context(), b.client(), http.MethodDelete, "/v1/people/"+cloudbox.Owner, nil, ""); !problem.Is(err, problem.FailedPrecondition) {
		t.Errorf("the last owner is removed: %v", err)
	}
	if _, err := client.Do[struct{}](t.Context(), b.client(), http.MethodDelete, "/v1/people/"+email, nil, ""); err != nil {
		t.Error(err)
	}
	if _, err := me(); !problem.Is(err, problem.PermissionDenied) {
		t.Errorf("after she is put out: %v", err)
	}
}
