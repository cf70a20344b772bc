package witness

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxPolicy bounds a policy, in bytes and lines.
const (
	maxPolicy = 64 << 10
	maxLines  = 512
)

// Parse reads a tlog-policy file.
func Parse(data []byte) (*Policy, error) {
	if len(data) > maxPolicy {
		return nil, fmt.Errorf("a witness policy of %d bytes, more than %d", len(data), maxPolicy)
	}
	p := &Policy{witnesses: map[string]Witness{}, groups: map[string]group{}}
	quorum := false
	for i, line := range strings.Split(string(data), "\n") {
		text, _, _ := strings.Cut(line, "#")
		fields := strings.Fields(text)
		if len(fields) == 0 {
			continue
		}
		err := p.line(fields, &quorum)
		if i >= maxLines {
			err = errors.New("more lines than a policy may have")
		}
		if err != nil {
			return nil, fmt.Errorf("witness policy, line %d: %w", i+1, err)
		}
	}
	if !quorum {
		return nil, errors.New("the witness policy has no quorum line")
	}
	return p, nil
}

func (p *Policy) line(fields []string, quorum *bool) error {
	known := func(name string) bool {
		_, isWitness := p.witnesses[name]
		_, isGroup := p.groups[name]
		return isWitness || isGroup
	}
	switch kind := fields[0]; {
	case kind == "log" && (len(fields) == 2 || len(fields) == 3):
		p.Logs = append(p.Logs, fields[1])
	case kind == "witness" && (len(fields) == 3 || len(fields) == 4):
		w, err := New(fields[1], fields[2], strings.Join(fields[3:], ""))
		if err != nil {
			return err
		}
		if known(w.Name) || w.Name == "none" {
			return fmt.Errorf("%s is defined twice, or is a word of the format", w.Name)
		}
		p.witnesses[w.Name] = w
	case kind == "group" && len(fields) > 3:
		g := group{members: fields[3:]}
		switch fields[2] {
		case "all":
			g.threshold = len(g.members)
		case "any":
			g.threshold = 1
		default:
			n, err := strconv.Atoi(fields[2])
			if err != nil || n < 1 || n > len(g.members) {
				return fmt.Errorf("group %s of %d members has the threshold %s", fields[1], len(g.members), fields[2])
			}
			g.threshold = n
		}
		for i, name := range g.members {
			if !known(name) || slices.Contains(g.members[:i], name) {
				return fmt.Errorf("group %s names %s, which is not defined before it or stands there twice", fields[1], name)
			}
		}
		if known(fields[1]) || fields[1] == "none" {
			return fmt.Errorf("%s is defined twice, or is a word of the format", fields[1])
		}
		p.groups[fields[1]] = g
	case kind == "quorum" && len(fields) == 2 && !*quorum:
		*quorum = true
		if fields[1] == "none" {
			return nil
		}
		if p.quorum = fields[1]; !known(p.quorum) {
			return fmt.Errorf("the quorum %s is not defined before it", p.quorum)
		}
	default:
		return fmt.Errorf("%q is not a line of a witness policy", strings.Join(fields, " "))
	}
	return nil
}

// Format writes a policy of which so many witnesses must cosign. Rekor and
// TesseraCT read the quorum of a group only, and want a URL for each witness.
func Format(logs []string, witnesses []Witness, quorum int) []byte {
	var b strings.Builder
	for _, log := range logs {
		fmt.Fprintf(&b, "log %s\n", log)
	}
	names := make([]string, 0, len(witnesses))
	for _, w := range witnesses {
		fmt.Fprintf(&b, "witness %s %s %s\n", w.Name, w.Key, w.URL)
		names = append(names, w.Name)
	}
	if quorum == 0 || len(names) == 0 {
		b.WriteString("quorum none\n")
		return []byte(b.String())
	}
	fmt.Fprintf(&b, "group witnesses %d %s\nquorum witnesses\n", quorum, strings.Join(names, " "))
	return []byte(b.String())
}
