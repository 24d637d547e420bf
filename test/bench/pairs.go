//go:build linux

package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// A series is what the same measurement gave, again and again.
type series []float64

func (s series) median() float64 {
	sorted := slices.Sorted(slices.Values(s))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}

// quantile is the value that so many of the values, from 0 to 1, do not exceed.
func (s series) quantile(share float64) float64 {
	sorted := slices.Sorted(slices.Values(s))
	return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]
}

// spread is the smallest and the largest value.
func (s series) spread() string { return fmt.Sprintf("%.2f-%.2f", slices.Min(s), slices.Max(s)) }

// pairs are measurements of the product, each with one of its yardstick that
// was made just before or after it.
type pairs struct {
	product, yardstick, ratio series // in seconds; product / yardstick
}

// A stopwatch makes one measurement.
type stopwatch func(context.Context) (time.Duration, error)

// alternate measures n pairs. Who begins changes from pair to pair, so that
// what a run leaves behind for the next does not always hit the same one.
func alternate(ctx context.Context, n int, product, yardstick stopwatch) (p pairs, err error) {
	for i := range n {
		var took [2]time.Duration
		for j := range took {
			which := (i + j) % 2
			if took[which], err = []stopwatch{product, yardstick}[which](ctx); err != nil {
				return p, err
			}
		}
		p.add(took[0].Seconds(), took[1].Seconds())
		say("  pair %d: %.3f s, yardstick %.3f s, ratio %.2f; load %s", i+1, p.product[i], p.yardstick[i], p.ratio[i], load())
	}
	return p, nil
}

func (p *pairs) add(product, yardstick float64) {
	p.product = append(p.product, product)
	p.yardstick = append(p.yardstick, yardstick)
	p.ratio = append(p.ratio, product/yardstick)
}

// result says how the pairs hold against an aim for the median of the ratios.
func (p *pairs) result(what, yardstick string, aim float64) result {
	return result{
		what:      what,
		product:   fmt.Sprintf("%.3f s", p.product.median()),
		yardstick: fmt.Sprintf("%s %.3f s", yardstick, p.yardstick.median()),
		ratio:     fmt.Sprintf("%.2f (%s)", p.ratio.median(), p.ratio.spread()),
		aim:       fmt.Sprintf("%.2f", aim),
		met:       verdict(p.ratio.median() <= aim),
	}
}
