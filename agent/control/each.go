package control

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

// Each asks for path, whose answer is an array, and calls f with its elements
// as they come in. An answer that breaks off is an error, after f has seen its
// beginning; an error of f ends it.
func Each[T any](ctx context.Context, c *Client, path string, query url.Values, f func(T) error) error {
	resp, err := c.ask(ctx, http.MethodGet, path, query)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	d := json.NewDecoder(resp.Body)
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("read the daemon's answer: %w", err)
	}
	for d.More() {
		var v T
		if err := d.Decode(&v); err != nil {
			return fmt.Errorf("read the daemon's answer: %w", err)
		}
		if err := f(v); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("read the daemon's answer: %w", err)
	}
	return nil
}
