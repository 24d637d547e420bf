//go:build linux

package lab

import (
	"context"
	"net"
)

// Listen is net.Listen in the namespace.
func (n *Namespace) Listen(network, address string) (net.Listener, error) {
	return within(n, func() (net.Listener, error) { return net.Listen(network, address) })
}

// ListenPacket is net.ListenPacket in the namespace.
func (n *Namespace) ListenPacket(network, address string) (net.PacketConn, error) {
	return within(n, func() (net.PacketConn, error) { return net.ListenPacket(network, address) })
}

// DialContext is net.Dialer.DialContext in the namespace. The address is a
// literal one: names would be looked up outside.
func (n *Namespace) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return within(n, func() (net.Conn, error) { return new(net.Dialer).DialContext(ctx, network, address) })
}

// within is Do for a function that returns a value.
func within[T any](n *Namespace, f func() (T, error)) (v T, err error) {
	err = n.Do(func() error {
		v, err = f()
		return err
	})
	return v, err
}
