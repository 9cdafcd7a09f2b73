package source

import (
	"context"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// ConnectTimeout bounds one connection attempt to a source.
const ConnectTimeout = 10 * time.Second

// Guard decides which addresses a person's connection may reach. The decision is
// made on the address that is dialled, after name resolution, so that a name
// cannot change between check and use.
type Guard struct {
	// AllowPrivate lets loopback and private ranges through. Link-local and
	// metadata addresses stay closed either way.
	AllowPrivate bool
}

// carrierNAT is the shared address space of RFC 6598.
var carrierNAT = netip.MustParsePrefix("100.64.0.0/10")

// metadata6 is the metadata address of AWS on IPv6.
var metadata6 = netip.MustParseAddr("fd00:ec2::254")

// Allowed reports whether an address may be dialled.
func (g *Guard) Allowed(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsValid() || a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast() || a == metadata6 {
		return false
	}
	if a.Is4() && a.As4()[0] == 0 || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return false
	}
	if a.IsLoopback() || a.IsPrivate() || carrierNAT.Contains(a) {
		return g != nil && g.AllowPrivate
	}
	return true
}

// Dial connects to an allowed address. PermissionDenied otherwise.
func (g *Guard) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if network != "tcp" && network != "tcp4" && network != "tcp6" {
		return nil, refused()
	}
	d := net.Dialer{
		Timeout: ConnectTimeout, KeepAlive: 30 * time.Second,
		Control: func(_, address string, _ syscall.RawConn) error {
			ap, err := netip.ParseAddrPort(address)
			if err != nil || !g.Allowed(ap.Addr()) {
				return refused()
			}
			return nil
		},
	}
	return d.DialContext(ctx, network, addr)
}

func refused() error {
	return problem.New(problem.PermissionDenied, "this host is in an address range that connections may not reach").
		WithNext(problem.TurnYou, "Use a public address, or ask the owner to allow private hosts.")
}
