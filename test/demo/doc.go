// Package demo shows what leaseroute is for, on a network made of namespaces:
// a router that loses power, and gets its routes back.
package demo
