package oidc

import (
	"context"
	"maps"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/go-cmp/cmp"

	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/identity/identitytest"
	"github.com/b2brecs/b2brecs/shared/identity/people"
	fake "github.com/b2brecs/b2brecs/shared/internal/gcpfake/oidc"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/state/sqlite"
)

const (
	client    = "acme-web"
	functions = "https://functions.example"
	account   = "functions@acme.iam.gserviceaccount.com"
	vera      = "vera@acme.example"
)

// world is a driver between an issuer of people and one of services.
type world struct {
	t                *testing.T
	driver           *Driver
	list             people.List
	people, services *fake.Server
}

type tokens struct{ s *fake.Server }

func (f tokens) Token(_ context.Context, audience string) (string, error) {
	return f.s.ServiceToken(account, audience)
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func issuerOf(t *testing.T) *fake.Server {
	t.Helper()
	s := must(fake.Start())(t)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func open(t *testing.T, change func(*Options)) *world {
	t.Helper()
	db := state.New(must(sqlite.Open(filepath.Join(t.TempDir(), "state.db")))(t))
	t.Cleanup(func() { _ = db.Close() })
	w := &world{t: t, list: people.New(db), people: issuerOf(t), services: issuerOf(t)}
	o := Options{State: db, People: []Issuer{{URL: w.people.URL(), ClientIDs: []string{client, "acme-cli"}}}, Owner: "Olga@Acme.example",
		ServiceIssuer: w.services.URL(), FunctionsURL: functions + "/", ServiceAccounts: []string{account}, Tokens: tokens{w.services}}
	if change != nil {
		change(&o)
	}
	w.driver = must(New(o))(t)
	for _, email := range []string{vera, "kim@acme.example"} {
		if err := w.list.Add(t.Context(), people.User{Subject: email, Name: "Vera", Email: email, Role: identity.Viewer}); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// vera's token, with claims changed.
func (w *world) token(change map[string]any) string {
	w.t.Helper()
	c := map[string]any{"aud": client, "sub": "u-1", "email": vera, "email_verified": true, "name": "V."}
	maps.Copy(c, change)
	return must(w.people.Token(c))(w.t)
}

func (w *world) verify(token string) (identity.Principal, error) {
	return w.driver.Verify(w.t.Context(), token)
}

func (w *world) want(what, token string, code problem.Code) {
	w.t.Helper()
	p, err := w.verify(token)
	if problem.CodeOf(err) != code || (err != nil) != (p == identity.Principal{}) {
		w.t.Errorf("%s: %+v, %v; want code %q", what, p, err, code)
	}
	if err != nil && strings.Contains(err.Error(), token[max(0, len(token)-20):]) {
		w.t.Errorf("%s: the error shows the token: %v", what, err)
	}
}

func in(d time.Duration) *jwt.NumericDate { return jwt.NewNumericDate(time.Now().Add(d)) }

func TestConformance(t *testing.T) {
	identitytest.Run(t, func(t *testing.T) identitytest.Fixture {
		w := open(t, nil)
		return identitytest.Fixture{Driver: w.driver, Foreign: must(issuerOf(t).Token(map[string]any{"aud": client, "sub": "u-1", "email": vera, "email_verified": true}))(t),
			Token: func(life time.Duration) string { return w.token(map[string]any{"exp": in(life)}) }}
	})
}

func TestClaims(t *testing.T) {
	w := open(t, nil)
	const no, denied = problem.Unauthenticated, problem.PermissionDenied
	for name, c := range map[string]struct {
		change map[string]any
		code   problem.Code
	}{
		"as it is":                 {nil, ""},
		"another of our clients":   {map[string]any{"aud": "acme-cli"}, ""},
		"one of several audiences": {map[string]any{"aud": []string{"other", client}}, ""},
		"verified as text":         {map[string]any{"email_verified": "true"}, ""},
		"capitals":                 {map[string]any{"email": "VERA@acme.Example"}, ""},
		"other audience":           {map[string]any{"aud": "other"}, no},
		"no audience":              {map[string]any{"aud": nil}, no},
		"audience of services":     {map[string]any{"aud": functions}, no},
		"other issuer":             {map[string]any{"iss": "https://accounts.google.com"}, no},
		"issuer with a slash":      {map[string]any{"iss": w.people.URL() + "/"}, no},
		"issuer of services":       {map[string]any{"iss": w.services.URL()}, no},
		"no issuer":                {map[string]any{"iss": nil}, no},
		"ended within the skew":    {map[string]any{"exp": in(-Skew / 2)}, ""},
		"ended":                    {map[string]any{"exp": in(-Skew - 2*time.Second)}, no},
		"no end":                   {map[string]any{"exp": nil}, no},
		"begins within the skew":   {map[string]any{"nbf": in(Skew / 2), "iat": in(Skew / 2)}, ""},
		"not yet valid":            {map[string]any{"nbf": in(Skew + 5*time.Second)}, no},
		"issued in the future":     {map[string]any{"iat": in(Skew + 5*time.Second)}, no},
		"no subject":               {map[string]any{"sub": nil}, no},
		"unverified":               {map[string]any{"email_verified": false}, no},
		"unverified as text":       {map[string]any{"email_verified": "false"}, no},
		"nothing about verified":   {map[string]any{"email_verified": nil}, no},
		"verified as a number":     {map[string]any{"email_verified": 1}, no},
		"no address":               {map[string]any{"email": nil}, no},
		"address of a wrong kind":  {map[string]any{"email": []string{vera}}, no},
		"nobody":                   {map[string]any{"email": "nobody@acme.example"}, denied},
		"odd address":              {map[string]any{"email": "../x@acme.example"}, denied},
		"Kelvin's K":               {map[string]any{"email": "\u212aim@acme.example"}, denied},
		"a service account":        {map[string]any{"email": account}, denied},
		"claims a role":            {map[string]any{"role": "owner", "roles": []string{"owner"}}, ""},
	} {
		w.want(name, w.token(c.change), c.code)
	}
	p, err := w.verify(w.token(map[string]any{"role": "owner"}))
	want := identity.Principal{Subject: vera, Name: "Vera", Email: vera, Role: identity.Viewer, Expires: p.Expires}
	if err != nil || p != want || time.Until(p.Expires) > time.Hour || time.Until(p.Expires) < 59*time.Minute {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestServices(t *testing.T) {
	w := open(t, nil)
	token := func(email, audience string) string { return must(w.services.ServiceToken(email, audience))(t) }
	for name, c := range map[string]struct {
		token string
		code  problem.Code
	}{
		"ours":                     {token(account, functions), ""},
		"for one function":         {token(account, functions+"/plan-run"), ""},
		"in capitals":              {token(strings.ToUpper(account), functions), ""},
		"another account":          {token("x@other.iam.gserviceaccount.com", functions), problem.PermissionDenied},
		"a person's address":       {token(vera, functions), problem.PermissionDenied},
		"a host that begins alike": {token(account, functions+".evil.example"), problem.Unauthenticated},
		"audience of people":       {token(account, client), problem.Unauthenticated},
		"other audience":           {token(account, "https://other.example"), problem.Unauthenticated},
	} {
		w.want(name, c.token, c.code)
	}
	w.want("unverified", must(w.services.Token(map[string]any{"aud": functions, "sub": "1", "email": account}))(t), problem.PermissionDenied)
	p, err := w.verify(must(w.driver.ServiceToken(t.Context(), ""))(t))
	if err != nil || p.Role != identity.Service || p.Subject != account || !p.May(identity.Service) {
		t.Errorf("%+v, %v", p, err)
	}
}

// One issuer can be both: people sign in at Google, Google signs for services.
func TestOneIssuerForBoth(t *testing.T) {
	w := open(t, func(o *Options) { o.ServiceIssuer = o.People[0].URL })
	if p, err := w.verify(w.token(nil)); err != nil || p.Role != identity.Viewer {
		t.Errorf("%+v, %v", p, err)
	}
	if p, err := w.verify(must(w.people.ServiceToken(account, functions))(t)); err != nil || p.Role != identity.Service {
		t.Errorf("%+v, %v", p, err)
	}
	w.want("a service at the people's audience", must(w.people.ServiceToken(account, client))(t), problem.PermissionDenied)
}

func TestRolesComeFromTheList(t *testing.T) {
	w := open(t, nil)
	ctx, token := t.Context(), w.token(nil)
	if _, _, err := w.list.Change(ctx, vera, people.Change{Role: new(identity.Manager)}); err != nil {
		t.Fatal(err)
	}
	if p, err := w.verify(token); err != nil || p.Role != identity.Manager {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := w.list.Remove(ctx, vera); err != nil {
		t.Fatal(err)
	}
	w.want("a removed account", token, problem.PermissionDenied)
}

func TestFirstOwner(t *testing.T) {
	w := open(t, nil)
	ctx := t.Context()
	const olga = "olga@acme.example"
	token := w.token(map[string]any{"email": olga, "sub": "u-2", "name": "Olga"})
	w.want("unverified", w.token(map[string]any{"email": olga, "email_verified": false}), problem.Unauthenticated)
	if _, err := w.list.Get(ctx, olga); !problem.Is(err, problem.NotFound) {
		t.Fatalf("an account was made for an unverified address: %v", err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if p, err := w.driver.Verify(ctx, token); err != nil || p.Role != identity.Owner || p.Name != "Olga" {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
	wg.Wait()
	if _, _, err := w.list.Change(ctx, vera, people.Change{Role: new(identity.Owner)}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.list.Change(ctx, olga, people.Change{Role: new(identity.Analyst)}); err != nil {
		t.Fatal(err)
	}
	if p, err := w.verify(token); err != nil || p.Role != identity.Analyst {
		t.Errorf("the list does not decide: %+v, %v", p, err)
	}
}

func TestNewRefuses(t *testing.T) {
	_, err := New(Options{})
	var got []string
	for _, f := range problem.Of(err).Fields {
		got = append(got, f.Location)
	}
	if d := cmp.Diff([]string{"State", "People", "Owner", "FunctionsURL", "ServiceAccounts"}, got); d != "" || !problem.Is(err, problem.InvalidArgument) {
		t.Error(err, d)
	}
	db := state.New(nil)
	good := func() Options {
		return Options{State: db, People: []Issuer{IdentityPlatform("acme", "AIza-acme")}, Owner: "o@x.example", FunctionsURL: functions, ServiceAccounts: []string{account}}
	}
	d, err := New(good())
	if err != nil {
		t.Fatal(err)
	}
	want := identity.SignIn{Method: identity.IdentityPlatform, Issuer: "https://securetoken.google.com/acme", ClientID: "acme", APIKey: "AIza-acme"}
	if diff := cmp.Diff(want, d.SignIn()); diff != "" {
		t.Error(diff)
	}
	for name, change := range map[string]func(*Options){
		"plain http":       func(o *Options) { o.People[0].URL = "http://issuer.example" },
		"no URL":           func(o *Options) { o.People[0].URL = "issuer" },
		"twice":            func(o *Options) { o.People = append(o.People, o.People[0]) },
		"no client":        func(o *Options) { o.People[0].ClientIDs = nil },
		"no API key":       func(o *Options) { o.People[0].APIKey = "" },
		"a key too many":   func(o *Options) { o.People[0].URL = "https://id.example" },
		"an empty client":  func(o *Options) { o.People[0].ClientIDs = []string{""} },
		"owner":            func(o *Options) { o.Owner = "olga" },
		"owner of no id":   func(o *Options) { o.Owner = "a/b@x.example" },
		"service issuer":   func(o *Options) { o.ServiceIssuer = "ftp://x" },
		"functions":        func(o *Options) { o.FunctionsURL = "https://x?y=1" },
		"service accounts": func(o *Options) { o.ServiceAccounts = append(o.ServiceAccounts, "") },
	} {
		o := good()
		change(&o)
		if _, err := New(o); !problem.Is(err, problem.InvalidArgument) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
