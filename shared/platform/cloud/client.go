package cloud

import (
	"context"
	"net/http"
	"strings"

	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// client gives the options of a service's official client: none for Google itself.
func (c Config) client(service string) []option.ClientOption {
	address := c.Emulators[service]
	switch {
	case address == "":
		return nil
	case strings.Contains(address, "://"):
		return []option.ClientOption{option.WithEndpoint(address), option.WithoutAuthentication()}
	}
	return []option.ClientOption{option.WithEndpoint(address), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials()))}
}

// serviceTransport gives calls of functions an identity token of this process.
type serviceTransport struct {
	functions string // the base of their addresses
	tokens    interface {
		ServiceToken(ctx context.Context, audience string) (string, error)
	}
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t serviceTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	path, ours := strings.CutPrefix(r.URL.String(), t.functions+"/")
	if !ours || r.Header.Get("Authorization") != "" {
		return t.next.RoundTrip(r)
	}
	// The audience is the function's own address
	// (https://cloud.google.com/functions/docs/securing/authenticating#authenticating_function_to_function_calls).
	name, _, _ := strings.Cut(path, "/")
	name, _, _ = strings.Cut(name, "?")
	token, err := t.tokens.ServiceToken(r.Context(), t.functions+"/"+name)
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close() // a RoundTripper MUST close it
		}
		return nil, err
	}
	r = r.Clone(r.Context()) // a RoundTripper MUST NOT change the caller's request
	r.Header.Set("Authorization", "Bearer "+token)
	return t.next.RoundTrip(r)
}
