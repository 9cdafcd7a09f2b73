package oidc

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/identity/people"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/state"
)

const (
	// GoogleIssuer signs the identity tokens of service accounts
	// (https://cloud.google.com/docs/authentication/token-types#id).
	GoogleIssuer = "https://accounts.google.com"
	// Skew is how far the clocks of issuer and installation may differ.
	Skew = time.Minute
)

// PlatformIssuers is what the issuers of Identity Platform begin with, a project's name
// after it (https://cloud.google.com/identity-platform/docs/how-to-verify-id-tokens).
const PlatformIssuers = "https://securetoken.google.com/"

// IdentityPlatform gives the issuer of a Google Cloud project's Identity Platform;
// its client id is the project, apiKey one of the project's API keys.
func IdentityPlatform(project, apiKey string) Issuer {
	return Issuer{URL: PlatformIssuers + project, ClientIDs: []string{project}, APIKey: apiKey}
}

// Issuer is one that people sign in at.
type Issuer struct {
	// URL is the "iss" of its tokens, character by character; below it lies
	// /.well-known/openid-configuration.
	URL string
	// ClientIDs are the audiences that are this installation's; the first is the page's.
	ClientIDs []string
	// APIKey is what the page signs in with at an Identity Platform, which needs one; no
	// other issuer has any. It is public.
	APIKey string
}

// Options of New.
type Options struct {
	// State holds the list of people.
	State *state.DB
	// People are the issuers that people sign in at; the page sends them to the first.
	People []Issuer
	// Owner is the e-mail address of the installation's first owner.
	Owner string
	// ServiceIssuer signs the tokens of services; "" is GoogleIssuer.
	ServiceIssuer string
	// FunctionsURL is the audience of service tokens: this URL, or one under it.
	FunctionsURL string
	// ServiceAccounts are the e-mail addresses of the installation's own services.
	ServiceAccounts []string
	// HTTP reads discovery documents and keys; nil is a client with a 10 s limit.
	HTTP *http.Client
	// Tokens mints service tokens; nil is GoogleTokens.
	Tokens TokenSource
}

// Driver implements identity.Driver. It is safe for concurrent use.
type Driver struct {
	people    people.List
	owner     string
	issuers   map[string]*issuer
	clients   map[string][]string // by issuer of people
	serviceBy string
	functions string
	accounts  []string
	tokens    TokenSource
	signIn    identity.SignIn
	now       func() time.Time
}

var _ identity.Driver = (*Driver)(nil)

// New makes a driver. It dials nothing. InvalidArgument names every option that is
// missing or cannot be.
func New(o Options) (*Driver, error) {
	p := problem.New(problem.InvalidArgument, "sign-in is not configured")
	if o.State == nil {
		p = p.WithField("State", "is missing")
	}
	if o.ServiceIssuer == "" {
		o.ServiceIssuer = GoogleIssuer
	}
	if o.HTTP == nil {
		o.HTTP = &http.Client{Timeout: 10 * time.Second}
	}
	if o.Tokens == nil {
		o.Tokens = &GoogleTokens{}
	}
	d := &Driver{owner: people.OfEmail(o.Owner), issuers: map[string]*issuer{}, clients: map[string][]string{},
		serviceBy: o.ServiceIssuer, functions: strings.TrimSuffix(o.FunctionsURL, "/"), tokens: o.Tokens, now: time.Now}
	if len(o.People) == 0 {
		p = p.WithField("People", "names no issuer")
	}
	for _, i := range o.People {
		switch {
		case !secure(i.URL):
			p = p.WithField("People", "%q is not an https URL", i.URL)
		case d.clients[i.URL] != nil:
			p = p.WithField("People", "%q is named twice", i.URL)
		case len(i.ClientIDs) == 0 || slices.Contains(i.ClientIDs, ""):
			p = p.WithField("People", "%q has no client id, or an empty one", i.URL)
		case strings.HasPrefix(i.URL, PlatformIssuers) != (i.APIKey != ""):
			p = p.WithField("People", "an API key goes with an Identity Platform, and with it alone: %q", i.URL)
		}
		d.clients[i.URL] = i.ClientIDs
		d.issuers[i.URL] = newIssuer(i.URL, o.HTTP)
	}
	if !people.Address(d.owner) {
		p = p.WithField("Owner", "%q is not an e-mail address", o.Owner)
	}
	if !secure(o.ServiceIssuer) {
		p = p.WithField("ServiceIssuer", "%q is not an https URL", o.ServiceIssuer)
	} else if d.issuers[o.ServiceIssuer] == nil {
		d.issuers[o.ServiceIssuer] = newIssuer(o.ServiceIssuer, o.HTTP)
	}
	if !secure(d.functions) {
		p = p.WithField("FunctionsURL", "%q is not an https URL", o.FunctionsURL)
	}
	if len(o.ServiceAccounts) == 0 {
		p = p.WithField("ServiceAccounts", "names none")
	}
	for _, a := range o.ServiceAccounts {
		if !people.Address(people.OfEmail(a)) {
			p = p.WithField("ServiceAccounts", "%q is not an e-mail address", a)
		}
		d.accounts = append(d.accounts, people.OfEmail(a))
	}
	if len(p.Fields) > 0 {
		return nil, p.WithCause("%s %s", p.Fields[0].Location, p.Fields[0].Message)
	}
	d.people = people.New(o.State)
	d.signIn = signIn(o.People[0])
	return d, nil
}

// scopes ask for what person needs: the address, whether it is verified, the name
// (https://openid.net/specs/openid-connect-core-1_0.html#ScopeClaims).
var scopes = []string{"openid", "email", "profile"}

func signIn(at Issuer) identity.SignIn {
	if at.APIKey != "" {
		return identity.SignIn{Method: identity.IdentityPlatform, Issuer: at.URL, ClientID: at.ClientIDs[0], APIKey: at.APIKey}
	}
	return identity.SignIn{Method: identity.OIDC, Issuer: at.URL, ClientID: at.ClientIDs[0], Scopes: scopes}
}

// SignIn implements identity.Driver.
func (d *Driver) SignIn() identity.SignIn { return d.signIn }

// secure accepts https, and plain http to this machine.
func secure(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip.IsLoopback())
}
