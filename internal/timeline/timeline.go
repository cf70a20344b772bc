// Package timeline maps instants to places on a line of years. Every drawing of
// windows, in a terminal and as SVG, stands on it.
package timeline

import (
	"fmt"
	"strings"
	"time"
)

// Axis is a span of whole years over so many columns.
type Axis struct {
	From, To time.Time
	Columns  int
}

// Over spans the years of both instants.
func Over(from, to time.Time, columns int) Axis {
	day := func(year int) time.Time { return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC) }
	return Axis{day(from.UTC().Year()), day(to.UTC().Year() + 1), columns}
}

// Part returns where an instant lies, from 0 to 1. Seconds instead of a
// Duration, which ends after 292 years.
func (a Axis) Part(t time.Time) float64 {
	whole := float64(a.To.Unix() - a.From.Unix())
	return min(1, max(0, float64(t.Unix()-a.From.Unix())/whole))
}

func (a Axis) column(t time.Time) int {
	return min(a.Columns-1, int(a.Part(t)*float64(a.Columns)))
}

// Ticks returns the years to write, no more than fit.
func (a Axis) Ticks(most int) []time.Time {
	first, last := a.From.Year(), a.To.Year()
	step := max(1, (last-first+most-1)/max(1, most))
	var out []time.Time
	for y := first; y < last; y += step {
		out = append(out, time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC))
	}
	return out
}

// Years is the line of years above the bars.
func (a Axis) Years() string {
	line := []rune(strings.Repeat(" ", a.Columns))
	for _, t := range a.Ticks(a.Columns / 6) {
		copy(line[a.column(t):], []rune(fmt.Sprint(t.Year())))
	}
	return strings.TrimRight(string(line), " ")
}

// Bar draws a window, thin where it is open, and the instant of the drawing. A
// zero instant is the end of the axis on its side.
func (a Axis) Bar(start, end time.Time, open bool, at time.Time) string {
	line := []rune(strings.Repeat(" ", a.Columns))
	from, to, mark := 0, a.Columns-1, '━'
	if !start.IsZero() {
		from = a.column(start)
	}
	if !end.IsZero() {
		to = a.column(end)
	}
	if open {
		mark = '─'
	}
	for i := from; i <= to; i++ {
		line[i] = mark
	}
	if from <= to {
		line[from] = '├'
		if !open {
			line[to] = '┤'
		}
	}
	line[a.column(at)] = '│'
	return strings.TrimRight(string(line), " ")
}

// Clip shortens a text to some columns.
func Clip(s string, columns int) string {
	if r := []rune(s); len(r) > columns {
		return string(r[:columns-1]) + "…"
	}
	return s
}
