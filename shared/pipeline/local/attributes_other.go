//go:build unix && !linux

package local

import "syscall"

// attributes put a child into its own process group. Without a parent-death
// signal a worker ends when its standard input closes.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
