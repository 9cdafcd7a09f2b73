package source

import (
	"context"
	"net/netip"
	"testing"

	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

func TestGuard(t *testing.T) {
	const never, private, always = 0, 1, 2
	for addr, who := range map[string]int{
		"8.8.8.8": always, "2001:4860:4860::8888": always, "172.32.0.1": always,
		"127.0.0.1": private, "::1": private, "10.1.2.3": private, "172.16.0.1": private, "192.168.1.1": private, "100.64.0.1": private,
		"fd12::1": private, "::ffff:127.0.0.1": private, "::ffff:10.0.0.1": private,
		"169.254.169.254": never, "fe80::1": never, "fe80::1%eth0": never, "0.0.0.0": never, "::": never, "0.1.2.3": never, "255.255.255.255": never,
		"224.0.0.1": never, "ff02::1": never, "fd00:ec2::254": never, "::ffff:169.254.169.254": never,
	} {
		a := netip.MustParseAddr(addr)
		if got := (&Guard{}).Allowed(a); got != (who == always) {
			t.Errorf("%s in the cloud: %v", addr, got)
		}
		if got := (&Guard{AllowPrivate: true}).Allowed(a); got != (who != never) {
			t.Errorf("%s with private hosts allowed: %v", addr, got)
		}
	}
	// A name is checked by what it resolves to.
	if _, err := (&Guard{}).Dial(context.Background(), "tcp", "localhost:1"); !problem.Is(err, problem.PermissionDenied) {
		t.Errorf("localhost: %v", err)
	}
	if _, err := (&Guard{AllowPrivate: true}).Dial(context.Background(), "unix", "/tmp/x"); !problem.Is(err, problem.PermissionDenied) {
		t.Errorf("a socket: %v", err)
	}
}

func TestDecimals(t *testing.T) {
	for _, c := range []struct {
		declared string
		typ      warehouse.Type
		p, s     int32
	}{
		{"numeric(12,2)", warehouse.Numeric, 12, 2}, {"decimal(38, 9)", warehouse.Numeric, 38, 9}, {"numeric", warehouse.Numeric, 38, 9},
		{"numeric(38,18)", warehouse.BigNumeric, 38, 18}, {"numeric(30,18)", warehouse.BigNumeric, 30, 18}, {"numeric(60,30)", warehouse.Numeric, 38, 9},
		{"numeric(12,2)", warehouse.BigNumeric, 12, 2}, {"numeric(99999,2)", warehouse.Numeric, 38, 9},
	} {
		if p, s := DecimalOf(etl.Column{Type: c.typ, SourceType: c.declared}); p != c.p || s != c.s {
			t.Errorf("%s as %s is carried by %d,%d, want %d,%d", c.declared, c.typ, p, s, c.p, c.s)
		}
	}
	for _, c := range []struct {
		p, s int
		want warehouse.Type
	}{{12, 2, warehouse.Numeric}, {38, 9, warehouse.Numeric}, {38, 0, warehouse.String}, {29, 0, warehouse.Numeric}, {38, 18, warehouse.BigNumeric}, {38, 19, warehouse.String}, {5, -2, warehouse.String}, {2, 4, warehouse.String}} {
		if got := DecimalType(c.p, c.s); got != c.want {
			t.Errorf("decimal(%d,%d) is %s, want %s", c.p, c.s, got, c.want)
		}
	}
}
