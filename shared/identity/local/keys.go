package local

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"

	"github.com/go-jose/go-jose/v4"

	"github.com/b2brecs/b2brecs/shared/problem"
)

const (
	// keySecret is the secret that holds the seeds of the signing keys, newest
	// first, 32 bytes each.
	keySecret = "identity-signing-key"
	// maxKeys that verify: the present one and the one before it.
	maxKeys = 2
)

type signingKey struct {
	kid  string
	key  ed25519.PrivateKey
	sign jose.Signer
}

func newSigningKey(seed []byte) (signingKey, error) {
	k := signingKey{key: ed25519.NewKeyFromSeed(seed)}
	sum := sha256.Sum256(k.public())
	k.kid = hex.EncodeToString(sum[:8])
	var err error
	k.sign, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: k.key, KeyID: k.kid}},
		(&jose.SignerOptions{}).WithType("JWT"))
	return k, problem.Wrap(err, problem.Internal, "make a token signer")
}

func (k signingKey) public() ed25519.PublicKey { return k.key.Public().(ed25519.PublicKey) }

// load reads the keys, and makes the first one.
func (p *Provider) load(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	seeds, err := p.secrets.Get(ctx, keySecret)
	if problem.Is(err, problem.NotFound) {
		return p.add(ctx, nil)
	}
	if err != nil {
		return err
	}
	return p.use(seeds)
}

// Rotate makes a new signing key. Tokens of the key before it stay valid until
// they end by themselves.
func (p *Provider) Rotate(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	seeds, err := p.secrets.Get(ctx, keySecret)
	if err != nil {
		return err
	}
	return p.add(ctx, seeds)
}

// add puts a new key before the others. It holds mu.
func (p *Provider) add(ctx context.Context, seeds []byte) error {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := rand.Read(seed); err != nil {
		return problem.Wrap(err, problem.Internal, "make a signing key")
	}
	seeds = append(seed, seeds[:min(len(seeds), (maxKeys-1)*ed25519.SeedSize)]...)
	if err := p.secrets.Put(ctx, keySecret, seeds); err != nil {
		return err
	}
	return p.use(seeds)
}

func (p *Provider) use(seeds []byte) error {
	if len(seeds) == 0 || len(seeds)%ed25519.SeedSize != 0 {
		return problem.New(problem.FailedPrecondition, "the secret %s does not hold signing keys", keySecret).
			WithNext(problem.TurnYou, "Destroy it; a new key is made, and everybody signs in again.")
	}
	var keys []signingKey
	for ; len(seeds) > 0; seeds = seeds[ed25519.SeedSize:] {
		k, err := newSigningKey(seeds[:ed25519.SeedSize])
		if err != nil {
			return err
		}
		keys = append(keys, k)
	}
	p.keys = keys
	return nil
}

// key finds a key by its id, reading them again once when it is not known: another
// process may have rotated.
func (p *Provider) key(ctx context.Context, kid string) (signingKey, bool, error) {
	for again := true; ; again = false {
		p.mu.Lock()
		for _, k := range p.keys {
			if k.kid == kid {
				p.mu.Unlock()
				return k, true, nil
			}
		}
		may := again && p.now().Sub(p.reread) > rereadEvery
		if may {
			p.reread = p.now()
		}
		p.mu.Unlock()
		if !may {
			return signingKey{}, false, nil
		}
		if err := p.load(ctx); err != nil {
			return signingKey{}, false, err
		}
	}
}

// newest is the key that signs.
func (p *Provider) newest() signingKey {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keys[0]
}

// Keys gives the public keys as a JSON Web Key Set (RFC 7517), newest first.
func (p *Provider) Keys() jose.JSONWebKeySet {
	p.mu.Lock()
	defer p.mu.Unlock()
	var set jose.JSONWebKeySet
	for _, k := range p.keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.public(), KeyID: k.kid, Algorithm: string(jose.EdDSA), Use: "sig"})
	}
	return set
}
