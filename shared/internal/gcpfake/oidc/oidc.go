// Package oidc is an OpenID Connect issuer on loopback: discovery, a key set that
// rotates, tokens with any claims, the sign-in of people by the authorization code flow,
// and the metadata server's endpoint for the identity token of a service account.
//
// It promises what an issuer publishes and no more; a token it signs is as right or
// as wrong as its claims. A sign-in is as strict as the specifications let an issuer be
// (RFC 6749, RFC 7636, RFC 9700): public clients alone, with PKCE by S256 and addresses
// that are exactly the registered ones; a code works once, and the second try ends what
// the first one gave; so does the second use of a refresh token, of which every renewal
// gives a new one.
//
// It refuses to ask for a password, and keeps no session: whoever looks at its page
// says who they are, every time.
package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	keysPath     = "/keys"
	metadataPath = "/computeMetadata/v1/instance/service-accounts/default/identity"
	// tokenLife is that of Google's identity tokens.
	tokenLife = time.Hour
)

// Server is a running issuer. It is safe for concurrent use.
type Server struct {
	url  string
	http *http.Server

	mu      sync.Mutex
	keys    []key // newest first
	account string
	down    bool
	hits    map[string]int
	signIns signIns
}

type key struct {
	id      string
	private *ecdsa.PrivateKey
}

// Start makes an issuer with one key.
func Start() (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{url: "http://" + l.Addr().String(), hits: map[string]int{}, signIns: newSignIns()}
	if err := s.Rotate(1); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", s.crossOrigin(s.discovery))
	mux.HandleFunc("GET "+keysPath, s.keySet)
	mux.HandleFunc("GET "+metadataPath, s.metadata)
	s.handleSignIn(mux)
	s.http = &http.Server{Handler: s.counted(mux), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.http.Serve(l) }() // ends with ErrServerClosed
	return s, nil
}

// Close stops the server.
func (s *Server) Close() error { return s.http.Close() }

// URL is the issuer's "iss".
func (s *Server) URL() string { return s.url }

// Host is what GCE_METADATA_HOST takes, so that the official client finds the
// metadata endpoint here.
func (s *Server) Host() string { return s.url[len("http://"):] }

// Rotate makes a new key that signs from now on. keep keys go on being published,
// the new one included.
func (s *Server) Rotate(keep int) error {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	id := make([]byte, 8)
	if _, err := rand.Read(id); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = slices.Insert(s.keys, 0, key{hex.EncodeToString(id), private})
	s.keys = s.keys[:min(keep, len(s.keys))]
	return nil
}

// Down makes every answer a 503, or stops that.
func (s *Server) Down(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// KeyReads counts how often the key set was asked for.
func (s *Server) KeyReads() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hits[keysPath]
}

// Account makes the metadata endpoint mint tokens of a service account, by e-mail.
func (s *Server) Account(email string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.account = email
}

// Key gives the id and the private key that sign now.
func (s *Server) Key() (string, crypto.Signer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys[0].id, s.keys[0].private
}

// Token signs claims. "iss", "iat" and "exp" are filled in where they are absent; a
// claim that is nil is left out.
func (s *Server) Token(claims map[string]any) (string, error) {
	now := time.Now()
	all := map[string]any{"iss": s.url, "iat": jwt.NewNumericDate(now), "exp": jwt.NewNumericDate(now.Add(tokenLife))}
	maps.Copy(all, claims)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	kid, private := s.Key()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: private, KeyID: kid}},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", err
	}
	return jwt.Signed(signer).Claims(all).Serialize()
}

// ServiceToken signs what Google gives a service account
// (https://cloud.google.com/docs/authentication/token-types#id).
func (s *Server) ServiceToken(email, audience string) (string, error) {
	return s.Token(map[string]any{"aud": audience, "azp": "1" + hex.EncodeToString([]byte(email)), "sub": hex.EncodeToString([]byte(email)),
		"email": email, "email_verified": true})
}

func (s *Server) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.hits[r.URL.Path]++
		down := s.down
		s.mu.Unlock()
		if down {
			http.Error(w, "the issuer is down", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the reader sees what was cut off
}

func (s *Server) discovery(w http.ResponseWriter, _ *http.Request) {
	answer(w, map[string]any{
		"issuer": s.url, "jwks_uri": s.url + keysPath, "authorization_endpoint": s.url + authorizePath,
		"token_endpoint": s.url + tokenPath, "revocation_endpoint": s.url + revokePath, "end_session_endpoint": s.url + logoutPath,
		"response_types_supported": []string{"code"}, "grant_types_supported": []string{"authorization_code", "refresh_token"},
		"code_challenge_methods_supported": []string{"S256"}, "token_endpoint_auth_methods_supported": []string{"none"},
		"scopes_supported": scopes, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256"},
	})
}

func (s *Server) keySet(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, k := range s.keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.private.Public(), KeyID: k.id, Algorithm: string(jose.ES256), Use: "sig"})
	}
	s.mu.Unlock()
	answer(w, set)
}

// metadata answers as the metadata server does
// (https://cloud.google.com/compute/docs/instances/verifying-instance-identity).
func (s *Server) metadata(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	account := s.account
	s.mu.Unlock()
	audience := r.URL.Query().Get("audience")
	switch {
	case r.Header.Get("Metadata-Flavor") != "Google":
		http.Error(w, "Missing Metadata-Flavor:Google header.", http.StatusForbidden)
		return
	case audience == "":
		http.Error(w, "non-empty audience parameter required", http.StatusBadRequest)
		return
	case account == "":
		http.Error(w, "no service account", http.StatusNotFound)
		return
	}
	token, err := s.ServiceToken(account, audience)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Metadata-Flavor", "Google")
	_, _ = w.Write([]byte(token))
}
