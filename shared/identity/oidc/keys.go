package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"github.com/b2brecs/b2brecs/shared/problem"
)

const (
	// rereadEvery bounds what tokens of unknown keys cost an issuer.
	rereadEvery = 5 * time.Second
	// keyLife is the age at which keys are read again, so that a withdrawn one ends.
	keyLife = time.Hour
	// maxKeySet bounds a key set; Google's has 2 to 3 KB.
	maxKeySet = 1 << 20
	// tries of one read: an answer that a request waits for.
	tries = 3
)

// issuer is one issuer with its keys.
type issuer struct {
	url  string
	http *http.Client

	reading sync.Mutex // held by the one who reads; guards jwksURL
	jwksURL string     // "" until discovery

	mu    sync.Mutex
	keys  map[string]jose.JSONWebKey
	read  time.Time // when keys were read
	tried time.Time // when they were last asked for
	err   error     // how that went
}

func newIssuer(url string, client *http.Client) *issuer { return &issuer{url: url, http: client} }

// key finds the key that may have signed with an algorithm; nil when the issuer has
// none. Unavailable when the issuer cannot be asked and the key is not known.
func (i *issuer) key(ctx context.Context, kid, alg string, now time.Time) (*jose.JSONWebKey, error) {
	k, known, due, err := i.find(kid, now)
	if due {
		// One read serves everybody who waits for it. Who has a key does not wait.
		if known && !i.reading.TryLock() {
			due = false
		} else if !known {
			i.reading.Lock()
		}
	}
	if due {
		defer i.reading.Unlock()
		if k, known, due, err = i.find(kid, now); due {
			i.refresh(ctx, now)
			k, known, _, err = i.find(kid, now)
		}
	}
	switch {
	case ctx.Err() != nil && !known:
		return nil, ctx.Err()
	case !known && err != nil:
		return nil, err
	case !known || k.Algorithm != "" && k.Algorithm != alg:
		return nil, nil
	}
	return &k, nil
}

// find looks among the keys that were read. due says whether to read them again.
func (i *issuer) find(kid string, now time.Time) (k jose.JSONWebKey, known, due bool, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	k, known = i.keys[kid]
	due = kid != "" && (!known || now.Sub(i.read) > keyLife) && now.Sub(i.tried) > rereadEvery
	return k, known, due, i.err
}

// refresh reads the keys. How it went holds until the next time, unless the one who
// asked went away.
func (i *issuer) refresh(ctx context.Context, now time.Time) {
	keys, err := i.fetch(ctx)
	if ctx.Err() != nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.tried, i.err = now, err; err == nil {
		i.keys, i.read = keys, now
	}
}

// fetch reads the issuer's keys, after its discovery document at the first time.
func (i *issuer) fetch(ctx context.Context) (map[string]jose.JSONWebKey, error) {
	keys, err := backoff.Retry(ctx, func() (map[string]jose.JSONWebKey, error) {
		if i.jwksURL == "" {
			p, err := oidc.NewProvider(oidc.ClientContext(ctx, i.http), i.url)
			var mismatch *oidc.IssuerMismatchError
			if errors.As(err, &mismatch) {
				return nil, backoff.Permanent(err)
			}
			if err != nil {
				return nil, err
			}
			var doc struct {
				JWKS string `json:"jwks_uri"`
			}
			if err := p.Claims(&doc); err != nil {
				return nil, err
			}
			if !secure(doc.JWKS) {
				return nil, backoff.Permanent(errors.New("its jwks_uri is not an https URL"))
			}
			i.jwksURL = doc.JWKS
		}
		return i.readKeys(ctx)
	}, backoff.WithMaxTries(tries), backoff.WithBackOff(&backoff.ExponentialBackOff{
		InitialInterval: 100 * time.Millisecond, Multiplier: 2, RandomizationFactor: 0.5, MaxInterval: time.Second,
	}))
	return keys, problem.Wrap(err, problem.Unavailable, "the keys of the issuer %s cannot be read", i.url)
}

func (i *issuer) readKeys(ctx context.Context) (map[string]jose.JSONWebKey, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, i.jwksURL, nil)
	if err != nil {
		return nil, err
	}
	resp, err := i.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, errors.New("the key set answers " + resp.Status)
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxKeySet)).Decode(&set); err != nil {
		return nil, err
	}
	keys := map[string]jose.JSONWebKey{}
	for _, raw := range set.Keys {
		var k jose.JSONWebKey
		// Keys of kinds that are not known here are left out (RFC 7517, section 5).
		if json.Unmarshal(raw, &k) != nil || !k.IsPublic() || k.KeyID == "" || k.Use != "" && k.Use != "sig" {
			continue
		}
		keys[k.KeyID] = k
	}
	return keys, nil
}
