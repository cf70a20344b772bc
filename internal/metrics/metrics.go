// Package metrics writes gauges in the text exposition format, for the node
// exporter's textfile collector.
package metrics

import (
	"fmt"
	"strings"
)

// Text is families of samples. The zero value has none.
type Text struct{ families []*strings.Builder }

// Gauge begins a family and returns what adds a sample to it, its labels as name
// and value in turn. A family without a sample is left out.
func (t *Text) Gauge(name, help string) func(value any, labels ...string) {
	family := &strings.Builder{}
	t.families = append(t.families, family)
	return func(value any, labels ...string) {
		if family.Len() == 0 {
			fmt.Fprintf(family, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name)
		}
		pairs := make([]string, 0, len(labels)/2)
		for i := 0; i+1 < len(labels); i += 2 {
			pairs = append(pairs, labels[i]+`="`+escape(labels[i+1])+`"`)
		}
		text := strings.Join(pairs, ",")
		if text != "" {
			text = "{" + text + "}"
		}
		fmt.Fprintf(family, "%s%s %v\n", name, text, value)
	}
}

// escape writes a label's value: the format escapes backslash, quote and line
// feed, and nothing else.
func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(strings.ToValidUTF8(s, "\uFFFD"))
}

// String is the families in the order of their beginnings.
func (t *Text) String() string {
	var b strings.Builder
	for _, family := range t.families {
		b.WriteString(family.String())
	}
	return b.String()
}
