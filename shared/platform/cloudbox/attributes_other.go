//go:build !linux

package cloudbox

import "syscall"

// attributes keep a Ctrl-C for the box, which ends its children in order. There is no
// signal at a parent's death here: a box that is killed leaves its functions.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
