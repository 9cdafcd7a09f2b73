package oidc

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	redirect = "https://page.example/sign-in/callback"
	secret   = "a-verifier-of-43-to-128-characters-0123456789"
	vera     = "vera@acme.example"
)

type world struct {
	t *testing.T
	*Server
	http *http.Client
}

func open(t *testing.T) world {
	t.Helper()
	s, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	s.Register(Client{ID: "page", Redirects: []string{redirect}, AfterLogout: []string{"https://page.example/"}})
	s.Admit(Person{Email: vera, Name: "Vera"})
	return world{t, s, &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (w world) do(method, at string, form url.Values) (*http.Response, string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.URL()+at, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://page.example")
	resp, err := w.http.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp, string(body)
}

func request(change map[string]string) url.Values {
	hash := sha256.Sum256([]byte(secret))
	v := url.Values{}
	all := map[string]string{"client_id": "page", "redirect_uri": redirect, "response_type": "code", "scope": "openid email profile offline_access",
		"state": "s", "nonce": "n", "code_challenge": base64.RawURLEncoding.EncodeToString(hash[:]), "code_challenge_method": "S256"}
	maps.Copy(all, change)
	for name, value := range all {
		if value != "" {
			v.Set(name, value)
		}
	}
	return v
}

// code signs Vera in and gives the code.
func (w world) code() string {
	w.t.Helper()
	resp, body := w.do(http.MethodPost, "/authorize?"+request(nil).Encode(), url.Values{"email": {vera}})
	to, err := resp.Location()
	if err != nil || to.Query().Get("state") != "s" || !strings.HasPrefix(to.String(), redirect+"?") {
		w.t.Fatalf("%v %v %s", to, err, body)
	}
	return to.Query().Get("code")
}

type reply struct {
	ID      string `json:"id_token"`
	Refresh string `json:"refresh_token"`
	Error   string `json:"error"`
}

func (w world) trade(form map[string]string) reply {
	w.t.Helper()
	v := url.Values{}
	for name, value := range form {
		v.Set(name, value)
	}
	resp, body := w.do(http.MethodPost, "/token", v)
	var out reply
	if err := json.Unmarshal([]byte(body), &out); err != nil || (resp.StatusCode == http.StatusOK) != (out.Error == "") {
		w.t.Fatalf("%s %s %v", resp.Status, body, err)
	}
	return out
}

func byCode(code string) map[string]string {
	return map[string]string{"grant_type": "authorization_code", "client_id": "page", "code": code, "code_verifier": secret, "redirect_uri": redirect}
}

func byRefresh(token string) map[string]string {
	return map[string]string{"grant_type": "refresh_token", "client_id": "page", "refresh_token": token}
}

func TestSignIn(t *testing.T) {
	w := open(t)
	if resp, body := w.do(http.MethodGet, "/authorize?"+request(nil).Encode(), nil); resp.StatusCode != http.StatusOK || !strings.Contains(body, vera) {
		t.Fatalf("%s %s", resp.Status, body)
	}
	first := w.trade(byCode(w.code()))
	parsed, err := jwt.ParseSigned(first.ID, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	_, key := w.Key()
	var claims map[string]any
	if err := parsed.Claims(key.Public(), &claims); err != nil || claims["aud"] != "page" || claims["email"] != vera || claims["email_verified"] != true || claims["nonce"] != "n" || claims["name"] != "Vera" {
		t.Errorf("%v %v", claims, err)
	}
	second := w.trade(byRefresh(first.Refresh))
	if second.ID == "" || second.Refresh == first.Refresh {
		t.Errorf("%+v", second)
	}
	resp, _ := w.do(http.MethodGet, "/logout?"+url.Values{"id_token_hint": {second.ID}, "post_logout_redirect_uri": {"https://page.example/"}}.Encode(), nil)
	if to, err := resp.Location(); err != nil || to.String() != "https://page.example/" {
		t.Error(to, err)
	}
	// The second use of a refresh token ends the sign-in.
	for _, token := range []string{first.Refresh, second.Refresh} {
		if got := w.trade(byRefresh(token)); got.Error != "invalid_grant" {
			t.Errorf("%+v", got)
		}
	}
}

func TestRefused(t *testing.T) {
	w := open(t)
	for name, c := range map[string]struct {
		change map[string]string
		want   string // "" is an answer here, not at the client's
	}{
		"no such client":          {map[string]string{"client_id": "other"}, ""},
		"a longer address":        {map[string]string{"redirect_uri": redirect + "/"}, ""},
		"no PKCE":                 {map[string]string{"code_challenge": "", "code_challenge_method": ""}, "invalid_request"},
		"plain PKCE":              {map[string]string{"code_challenge_method": "plain"}, "invalid_request"},
		"no state":                {map[string]string{"state": ""}, "invalid_request"},
		"an unknown parameter":    {map[string]string{"redirect": "x"}, "invalid_request"},
		"a fragment":              {map[string]string{"response_mode": "fragment"}, "invalid_request"},
		"the implicit flow":       {map[string]string{"response_type": "id_token"}, "unsupported_response_type"},
		"no openid":               {map[string]string{"scope": "email"}, "invalid_scope"},
		"an unknown scope":        {map[string]string{"scope": "openid admin"}, "invalid_scope"},
		"a sign-in without words": {map[string]string{"prompt": "none"}, "login_required"},
	} {
		resp, body := w.do(http.MethodGet, "/authorize?"+request(c.change).Encode(), nil)
		got := ""
		if to, err := resp.Location(); err == nil {
			got = to.Query().Get("error")
		} else if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s %s", name, resp.Status, body)
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	resp, _ := w.do(http.MethodPost, "/authorize?"+request(nil).Encode(), url.Values{"refuse": {"yes"}})
	if to, err := resp.Location(); err != nil || to.Query().Get("error") != "access_denied" || to.Query().Get("code") != "" {
		t.Error(to, err)
	}
	for name, change := range map[string]map[string]string{
		"another verifier": {"code_verifier": strings.Repeat("x", 43)},
		"a short verifier": {"code_verifier": "x"},
		"another address":  {"redirect_uri": redirect + "?x=1"},
		"another code":     {"code": "x"},
	} {
		form := byCode(w.code())
		maps.Copy(form, change)
		if got := w.trade(form); got.Error != "invalid_grant" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for want, form := range map[string]map[string]string{
		"invalid_client":         {"grant_type": "refresh_token", "client_id": "other"},
		"unsupported_grant_type": {"grant_type": "password"},
		"invalid_request":        {"grant_type": "refresh_token", "client_id": "page", "client_secret": "x"},
	} {
		if got := w.trade(form); got.Error != want {
			t.Errorf("%s: %+v", want, got)
		}
	}
	// A code that is used twice ends what it gave.
	code := w.code()
	first := w.trade(byCode(code))
	for _, form := range []map[string]string{byCode(code), byRefresh(first.Refresh)} {
		if got := w.trade(form); got.Error != "invalid_grant" {
			t.Errorf("%+v", got)
		}
	}
	revoked := w.trade(byCode(w.code()))
	w.do(http.MethodPost, "/revoke", url.Values{"token": {revoked.Refresh}, "client_id": {"page"}})
	if got := w.trade(byRefresh(revoked.Refresh)); got.Error != "invalid_grant" {
		t.Errorf("%+v", got)
	}
	if resp, _ := w.do(http.MethodGet, "/logout?post_logout_redirect_uri=https://page.example/", nil); resp.StatusCode != http.StatusBadRequest {
		t.Error(resp.Status)
	}
}
