// Package platform is the bundle of services a function may ask for. The
// packages below it build the bundle: embedded on one machine, cloud on Google
// Cloud. It promises that a function cannot tell which one it is on.
package platform
