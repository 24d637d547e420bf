package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
)

// maxProblem bounds what is read of the daemon's refusal.
const maxProblem = 64 << 10

// Client asks the daemon behind a control socket.
type Client struct {
	socket string
	http   http.Client
}

// NewClient returns a client of the daemon that listens on socket. Nothing is
// dialled yet.
func NewClient(socket string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}
	// A connection for each question: nobody would close one that is kept, and
	// the daemon has a bound of them.
	transport := &http.Transport{DialContext: dial, DisableKeepAlives: true}
	return &Client{socket: socket, http: http.Client{Transport: transport}}
}

// Get asks for path and decodes the answer into v.
func (c *Client) Get(ctx context.Context, path string, query url.Values, v any) error {
	return c.do(ctx, http.MethodGet, path, query, v)
}

// Post asks the daemon to do something and decodes its answer into v.
func (c *Client) Post(ctx context.Context, path string, query url.Values, v any) error {
	return c.do(ctx, http.MethodPost, path, query, v)
}

func (c *Client) do(ctx context.Context, method, path string, query url.Values, v any) error {
	resp, err := c.ask(ctx, method, path, query)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
		return fmt.Errorf("read the daemon's answer: %w", err)
	}
	return nil
}

// ask returns the answer to a request that the daemon does not refuse. Its
// body is to be closed.
func (c *Client) ask(ctx context.Context, method, path string, query url.Values) (*http.Response, error) {
	u := url.URL{Scheme: "http", Host: "leaseroute", Path: path, RawQuery: query.Encode()}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.explain(err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	var p Problem
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxProblem)).Decode(&p); err != nil || p.Error == "" {
		return nil, fmt.Errorf("the daemon answers %s", resp.Status)
	}
	return nil, &RefusedError{Code: resp.StatusCode, Words: p.Error}
}

// A RefusedError is the daemon's word that it can't do what it was asked.
type RefusedError struct {
	Code  int // of HTTP: 400 if the request makes no sense
	Words string
}

func (e *RefusedError) Error() string { return e.Words }

// explain turns a failed dial into what an operator can act on.
func (c *Client) explain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // the URL means nothing to an operator
	}
	switch {
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("no daemon answers on %s: start it with 'leaseroute run', or name its configuration with -c (%w)", c.socket, err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("may not use %s: be root or a member of its group, see control.group (%w)", c.socket, err)
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return fmt.Errorf("the daemon behind %s hung up: it is ending, or has too many connections (%w)", c.socket, err)
	}
	return err
}
