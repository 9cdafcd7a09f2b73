package cloudbox

import "syscall"

// attributes let a child die with the box, however that ends, and keep a Ctrl-C for
// the box, which ends its children in order.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
