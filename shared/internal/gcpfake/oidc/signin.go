package oidc

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	authorizePath = "/authorize"
	tokenPath     = "/token" //nolint:gosec // an address
	revokePath    = "/revoke"
	logoutPath    = "/logout"
	// codeLife is what RFC 6749, section 4.1.2, allows at most.
	codeLife = 10 * time.Minute
)

var scopes = []string{"openid", "email", "profile", "offline_access"}

// Client is an application whose people sign in here.
type Client struct {
	ID string
	// Redirects are the addresses that people come back to, AfterLogout those they come
	// to when they have signed out; character by character.
	Redirects, AfterLogout []string
	// Life is that of its identity tokens; 0 is an hour.
	Life time.Duration
}

// Person is somebody who can sign in.
type Person struct {
	Email, Name string
	// Unverified leaves the address unproved.
	Unverified bool
}

// signIns is what is known of them; Server.mu guards it.
type signIns struct {
	clients  map[string]Client
	people   []Person
	codes    map[string]*grant
	renewals map[string]*grant // by refresh token, the used ones too
}

func newSignIns() signIns {
	return signIns{clients: map[string]Client{}, codes: map[string]*grant{}, renewals: map[string]*grant{}}
}

// grant is one sign-in.
type grant struct {
	client, redirect, challenge, nonce string
	scope                              []string
	person                             Person
	until                              time.Time // of its code
	used, ended                        bool
	newest                             string // refresh token
}

// Register makes a client known, or known anew.
func (s *Server) Register(c Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signIns.clients[c.ID] = c
}

// Admit lets a person sign in.
func (s *Server) Admit(p Person) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signIns.people = append(s.signIns.people, p)
}

func (s *Server) handleSignIn(mux *http.ServeMux) {
	mux.HandleFunc("GET "+authorizePath, s.authorize)
	mux.HandleFunc("POST "+authorizePath, s.authorize)
	mux.HandleFunc("POST "+tokenPath, s.crossOrigin(s.token))
	mux.HandleFunc("POST "+revokePath, s.crossOrigin(s.revoke))
	mux.HandleFunc("GET "+logoutPath, s.logout)
}

// crossOrigin lets the pages of registered clients read the answer, and no other page.
func (s *Server) crossOrigin(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Origin")
		if origin := r.Header.Get("Origin"); origin != "" && s.knows(origin) {
			w.Header().Set("Access-Control-Allow-Origin", origin)
		}
		next(w, r)
	}
}

func (s *Server) knows(origin string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.signIns.clients {
		if slices.ContainsFunc(c.Redirects, func(at string) bool { return strings.HasPrefix(at, origin+"/") }) {
			return true
		}
	}
	return false
}

// parameters of an authentication request; others are refused, so that a misspelt one
// is heard of (https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest).
var parameters = []string{"client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "prompt", "login_hint", "code_challenge", "code_challenge_method"}

// authorize shows who can sign in, and sends whoever they say they are back with a code.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	s.mu.Lock()
	c, known := s.signIns.clients[q.Get("client_id")]
	people := slices.Clone(s.signIns.people)
	s.mu.Unlock()
	// Where the address is not the client's, nobody is sent there (RFC 6749, section 4.1.2.1).
	if !known || !slices.Contains(c.Redirects, q.Get("redirect_uri")) {
		http.Error(w, "invalid_request: no such client, or an address that is not registered for it", http.StatusBadRequest)
		return
	}
	back := func(v url.Values) {
		v.Set("state", q.Get("state"))
		http.Redirect(w, r, q.Get("redirect_uri")+"?"+v.Encode(), http.StatusSeeOther)
	}
	if code, why := wrong(q); code != "" {
		back(url.Values{"error": {code}, "error_description": {why}})
		return
	}
	if r.Method == http.MethodGet {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = page.Execute(w, people) // the reader sees what was cut off
		return
	}
	if r.FormValue("refuse") != "" {
		back(url.Values{"error": {"access_denied"}, "error_description": {"The person refused."}})
		return
	}
	i := slices.IndexFunc(people, func(p Person) bool { return p.Email == r.FormValue("email") })
	if i < 0 {
		http.Error(w, "nobody by that address", http.StatusBadRequest)
		return
	}
	code := rand.Text()
	s.mu.Lock()
	s.signIns.codes[code] = &grant{client: c.ID, redirect: q.Get("redirect_uri"), challenge: q.Get("code_challenge"), nonce: q.Get("nonce"),
		scope: strings.Fields(q.Get("scope")), person: people[i], until: time.Now().Add(codeLife)}
	s.mu.Unlock()
	back(url.Values{"code": {code}})
}

// wrong finds what is not right about an authentication request.
func wrong(q url.Values) (code, why string) {
	for name, v := range q {
		if !slices.Contains(parameters, name) || len(v) != 1 {
			return "invalid_request", "the parameter " + name + " is not known, or there twice"
		}
	}
	challenge, err := base64.RawURLEncoding.DecodeString(q.Get("code_challenge"))
	switch scope := strings.Fields(q.Get("scope")); {
	case q.Get("response_type") != "code":
		return "unsupported_response_type", "it is code"
	case q.Get("response_mode") != "" && q.Get("response_mode") != "query":
		return "invalid_request", "response_mode is query"
	case !slices.Contains(scope, "openid") || slices.ContainsFunc(scope, func(v string) bool { return !slices.Contains(scopes, v) }):
		return "invalid_scope", "openid is needed, and others than the supported ones are not taken"
	case q.Get("code_challenge_method") != "S256" || err != nil || len(challenge) != sha256.Size:
		return "invalid_request", "a public client sends a code_challenge of S256"
	case q.Get("state") == "":
		return "invalid_request", "state is missing"
	case q.Get("prompt") == "none":
		return "login_required", "nobody is signed in"
	}
	return "", ""
}

var page = template.Must(template.New("").Parse(`<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"><title>An issuer of identities</title>
<body style="font:16px/1.5 sans-serif;max-width:24em;margin:10vh auto;padding:0 1em"><h1 style="font-size:20px">Who are you?</h1>
<p>This issuer runs on this machine, for trying. It asks for no password.</p>
<form method="post">{{range .}}<p><button name="email" value="{{.Email}}" style="font:inherit;width:100%;padding:.5em">{{.Name}}, {{.Email}}</button></p>{{end}}
<p><button name="refuse" value="yes" style="font:inherit;padding:.5em">Refuse</button></p></form>`))

// logout ends nothing, since there is no session, and sends people where the client
// wants them (https://openid.net/specs/openid-connect-rpinitiated-1_0.html).
func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	_, private := s.Key()
	var claims struct {
		Aud string `json:"aud"`
		Iss string `json:"iss"`
	}
	t, err := jwt.ParseSigned(q.Get("id_token_hint"), []jose.SignatureAlgorithm{jose.ES256})
	if err == nil {
		err = t.Claims(private.Public(), &claims)
	}
	s.mu.Lock()
	c := s.signIns.clients[claims.Aud]
	s.mu.Unlock()
	to := q.Get("post_logout_redirect_uri")
	if err != nil || claims.Iss != s.url || !slices.Contains(c.AfterLogout, to) {
		http.Error(w, "invalid_request: a token of this issuer is needed, and an address that is registered for its client", http.StatusBadRequest)
		return
	}
	if state := q.Get("state"); state != "" {
		to += "?" + url.Values{"state": {state}}.Encode()
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}
