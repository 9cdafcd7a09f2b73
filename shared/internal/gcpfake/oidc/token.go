package oidc

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// verifier is what RFC 7636, section 4.1, lets it be.
var verifier = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)

// token answers with an identity token for a code or a refresh token.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	form, ok := posted(w, r)
	if !ok {
		return
	}
	var want []string
	switch form("grant_type") {
	case "authorization_code":
		want = []string{"client_id", "code", "code_verifier", "grant_type", "redirect_uri"}
	case "refresh_token":
		want = []string{"client_id", "grant_type", "refresh_token", "scope"}
	default:
		refuse(w, "unsupported_grant_type", "")
		return
	}
	for _, name := range slices.Sorted(maps.Keys(r.PostForm)) {
		if !slices.Contains(want, name) || len(r.PostForm[name]) != 1 {
			refuse(w, "invalid_request", "the parameter "+name+" is not known, or there twice")
			return
		}
	}
	s.mu.Lock()
	c, known := s.signIns.clients[form("client_id")]
	var g *grant
	var why string
	if form("grant_type") == "refresh_token" {
		g, why = s.signIns.renewed(form("refresh_token"), c.ID)
	} else {
		g, why = s.signIns.begun(form("code"), form("code_verifier"), form("redirect_uri"), c.ID)
	}
	reply := map[string]any{}
	if why == "" && slices.Contains(g.scope, "offline_access") {
		g.newest = rand.Text()
		s.signIns.renewals[g.newest] = g
		reply["refresh_token"] = g.newest
	}
	s.mu.Unlock()
	switch {
	case !known:
		refuse(w, "invalid_client", "no such client")
		return
	case why != "":
		refuse(w, "invalid_grant", why)
		return
	}
	life := cmp.Or(c.Life, tokenLife)
	claims := map[string]any{"aud": c.ID, "sub": g.person.Email, "exp": time.Now().Add(life).Unix()}
	if g.nonce != "" {
		claims["nonce"] = g.nonce
	}
	if slices.Contains(g.scope, "email") {
		claims["email"], claims["email_verified"] = g.person.Email, !g.person.Unverified
	}
	if slices.Contains(g.scope, "profile") {
		claims["name"] = g.person.Name
	}
	id, err := s.Token(claims)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	// The access token opens nothing here, and is no token of the installation's.
	maps.Copy(reply, map[string]any{"id_token": id, "access_token": rand.Text(), "token_type": "Bearer", "expires_in": int(life.Seconds()), "scope": strings.Join(g.scope, " ")})
	answer(w, reply)
}

// begun trades a code. A second try ends what the first one gave (RFC 6749, section 4.1.2).
func (s signIns) begun(code, secret, redirect, client string) (*grant, string) {
	g := s.codes[code]
	hash := sha256.Sum256([]byte(secret))
	switch {
	case g == nil || g.client != client || time.Now().After(g.until):
		return nil, "no such code, or too late"
	case g.used:
		g.ended = true
		return nil, "the code was used"
	case g.redirect != redirect:
		return nil, "redirect_uri is not that of the request"
	case !verifier.MatchString(secret) || base64.RawURLEncoding.EncodeToString(hash[:]) != g.challenge:
		return nil, "code_verifier does not fit"
	}
	g.used = true
	return g, ""
}

// renewed trades a refresh token. A second use ends the sign-in (RFC 9700, section 4.14.2).
func (s signIns) renewed(token, client string) (*grant, string) {
	g := s.renewals[token]
	switch {
	case g == nil || g.client != client || g.ended:
		return nil, "no such token, or its sign-in has ended"
	case token != g.newest:
		g.ended = true
		return nil, "the token was used"
	}
	return g, ""
}

// revoke ends the sign-in of a refresh token; an unknown one is no error (RFC 7009, section 2.2).
func (s *Server) revoke(w http.ResponseWriter, r *http.Request) {
	form, ok := posted(w, r)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.signIns.renewals[form("token")]; g != nil && g.client == form("client_id") {
		g.ended = true
	}
}

// posted reads a form, of which a part may be a secret: nothing of it is in the address.
func posted(w http.ResponseWriter, r *http.Request) (func(string) string, bool) {
	if err := r.ParseForm(); err != nil || r.URL.RawQuery != "" || r.Header.Get("Authorization") != "" {
		refuse(w, "invalid_request", "a public client sends a form and nothing else")
		return nil, false
	}
	return r.PostForm.Get, true
}

// refuse answers as RFC 6749, section 5.2, says.
func refuse(w http.ResponseWriter, code, why string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": why}) // the reader sees what was cut off
}
