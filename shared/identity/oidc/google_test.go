package oidc

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	iam "cloud.google.com/go/iam/credentials/apiv1"
	"cloud.google.com/go/iam/credentials/apiv1/credentialspb"
	"google.golang.org/api/option"
	transport "google.golang.org/api/transport/http"

	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/identity/identitytest"
	"github.com/b2brecs/b2brecs/shared/identity/people"
	"github.com/b2brecs/b2brecs/shared/internal/gcp/gcptest"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/sqlite"
)

// impersonated mints tokens of the tests' account, as Google signs them.
type impersonated struct {
	client  *iam.IamCredentialsClient
	account string
}

func (i impersonated) Token(ctx context.Context, audience string) (string, error) {
	reply, err := i.client.GenerateIdToken(ctx, &credentialspb.GenerateIdTokenRequest{
		Name: "projects/-/serviceAccounts/" + i.account, Audience: audience, IncludeEmail: true})
	return reply.GetToken(), err
}

// aged judges some tokens two hours later than they are: Google mints none that has
// expired.
type aged struct {
	identity.Driver
	late *Driver
	old  map[string]bool
}

func (a aged) Verify(ctx context.Context, token string) (identity.Principal, error) {
	if a.old[token] {
		return a.late.Verify(ctx, token)
	}
	return a.Driver.Verify(ctx, token)
}

// The suite with tokens of the project that gcptest knows: a person's of Identity
// Platform, an account's of Google. The person is made for it and deleted after it.
func TestOnGoogleCloud(t *testing.T) {
	p := gcptest.Open(t, gcptest.AccountVar, gcptest.APIKeyVar)
	ctx := t.Context()
	signer := must(iam.NewIamCredentialsClient(ctx))(t)
	t.Cleanup(func() { _ = signer.Close() })
	person := newPerson(t, p)
	db := state.New(must(sqlite.Open(filepath.Join(t.TempDir(), "state.db")))(t))
	t.Cleanup(func() { _ = db.Close() })
	if err := people.New(db).Add(ctx, people.User{Subject: person.email, Name: "Vera", Email: person.email, Role: identity.Viewer}); err != nil {
		t.Fatal(err)
	}
	open := func() *Driver {
		return must(New(Options{State: db, People: []Issuer{IdentityPlatform(p.Project, p.APIKey)}, Owner: "owner@b2brecs.example", FunctionsURL: functions,
			ServiceAccounts: []string{p.Account}, Tokens: impersonated{signer, p.Account}}))(t)
	}
	a := aged{Driver: open(), late: open(), old: map[string]bool{}}
	a.late.now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	foreign := must(issuerOf(t).Token(map[string]any{"iss": IdentityPlatform(p.Project, p.APIKey).URL, "aud": p.Project, "sub": "u-1", "email": person.email, "email_verified": true}))(t)
	identitytest.Run(t, func(*testing.T) identitytest.Fixture {
		return identitytest.Fixture{Driver: a, Foreign: foreign, Token: func(life time.Duration) string {
			token := person.signIn(t)
			if life < 0 {
				a.old[token] = true
				time.Sleep(1100 * time.Millisecond) // within a second the next one is the same
			}
			return token
		}}
	})
}

// person is an account of Identity Platform
// (https://cloud.google.com/identity-platform/docs/reference/rest/v1/projects.accounts).
type person struct {
	email, password, key string
	client               *http.Client
}

const toolkit = "https://identitytoolkit.googleapis.com/v1/"

func newPerson(t *testing.T, p *gcptest.Project) person {
	t.Helper()
	c, _, err := transport.NewClient(t.Context(), option.WithScopes("https://www.googleapis.com/auth/cloud-platform"), option.WithQuotaProject(p.Project))
	if err != nil {
		t.Fatal(err)
	}
	v := person{email: p.Name("vera") + "@b2brecs.example", password: state.NewID(), key: p.APIKey, client: c}
	var made struct{ LocalID string }
	if err := v.call(t.Context(), toolkit+"projects/"+p.Project+"/accounts",
		map[string]any{"email": v.email, "password": v.password, "emailVerified": true, "displayName": "Vera"}, &made); err != nil {
		gcptest.Missing(t, "no person can be made in Identity Platform: "+err.Error(),
			"gcloud services enable identitytoolkit.googleapis.com --project="+p.Project+", then allow e-mail and password under Identity Platform, Providers")
	}
	p.Cleanup(t, "the person "+v.email, func(ctx context.Context) error {
		return v.call(ctx, toolkit+"projects/"+p.Project+"/accounts:delete", map[string]any{"localId": made.LocalID}, &struct{}{})
	})
	return v
}

func (v person) signIn(t *testing.T) string {
	t.Helper()
	var out struct{ IDToken string }
	if err := v.call(t.Context(), toolkit+"accounts:signInWithPassword?key="+url.QueryEscape(v.key),
		map[string]any{"email": v.email, "password": v.password, "returnSecureToken": true}, &out); err != nil {
		t.Fatal(err)
	}
	return out.IDToken
}

// call posts; its errors name no key, password or token.
func (v person) call(ctx context.Context, at string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, at, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	client := v.client
	if r.URL.Query().Has("key") {
		client = http.DefaultClient
	}
	resp, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("%s does not answer", r.URL.Path)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", r.URL.Path, resp.Status)
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, out)
}
