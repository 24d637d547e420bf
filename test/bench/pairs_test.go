//go:build linux

package main

import (
	"context"
	"slices"
	"testing"
	"time"
)

func TestMedianIsTheMiddleOfTheSorted(t *testing.T) {
	for _, tt := range []struct {
		in   series
		want float64
	}{
		{series{3}, 3},
		{series{9, 1, 2}, 2},
		{series{4, 1, 3, 2}, 2.5},
	} {
		before := slices.Clone(tt.in)
		if got := tt.in.median(); got != tt.want {
			t.Errorf("median of %v = %v, want %v", tt.in, got, tt.want)
		}
		if !slices.Equal(before, tt.in) {
			t.Errorf("median reordered %v", before)
		}
	}
}

func TestQuantileIsNotExceededByItsShare(t *testing.T) {
	var s series
	for i := range 1000 {
		s = append(s, float64((i*7)%1000))
	}
	for share, want := range map[float64]float64{0: 0, 0.5: 500, 0.99: 990, 1: 999} {
		if got := s.quantile(share); got != want {
			t.Errorf("quantile %v = %v, want %v", share, got, want)
		}
	}
}

func TestPairsBeginInTurns(t *testing.T) {
	var order string
	stopwatch := func(name string, took time.Duration) stopwatch {
		return func(context.Context) (time.Duration, error) {
			order += name
			return took, nil
		}
	}
	p, err := alternate(t.Context(), 3, stopwatch("p", 3*time.Second), stopwatch("y", 2*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if order != "pyyppy" {
		t.Errorf("measured in the order %q, want pyyppy", order)
	}
	if got := p.ratio.median(); got != 1.5 {
		t.Errorf("ratio %v, want 1.5", got)
	}
}
