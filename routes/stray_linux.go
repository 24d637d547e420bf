package routes

import (
	"context"

	"golang.org/x/sys/unix"
)

// moveStrays gives our routes of another metric the present one, each new
// route before the old one goes, and yields them.
func (d *dump) moveStrays(ctx context.Context) error {
	if len(d.strays) > 0 {
		d.log.WithField("routes", len(d.strays)).Info("moving routes of ours to the configured metric")
	}
	for left := d.strays; len(left) > 0; {
		n := min(maxBatch, len(left))
		if err := d.move(ctx, left[:n]); err != nil {
			return err
		}
		left = left[n:]
	}
	return nil
}

func (d *dump) move(ctx context.Context, strays []route) error {
	jobs := make([]job, 0, len(strays))
	for _, r := range strays {
		r.metric = d.options.Metric
		jobs = append(jobs, job{change: -1, step: create, route: r})
	}
	if err := d.write(ctx, jobs); err != nil {
		return err
	}
	d.part = d.part[:0]
	var old []job
	for i, j := range jobs {
		switch j.answer.errno {
		case 0:
			d.part = append(d.part, d.binding(&j.route))
			old = append(old, job{change: -1, step: remove, route: strays[i].bare()})
		case unix.EEXIST: // known already: ours and yielded, or foreign
			old = append(old, job{change: -1, step: remove, route: strays[i].bare()})
		}
	}
	if err := d.write(ctx, old); err != nil || len(d.part) == 0 {
		return err
	}
	return d.yield(d.part)
}
