package kms

import (
	"context"
	"fmt"
)

// Existing divides the steps of Missing into the keys that an earlier run made
// already, found by alias or by TagAlias, and the steps that are left. It
// changes nothing: a key that was found without its alias is left to
// CreateMissing, which gives it one.
func (c *Client) Existing(ctx context.Context, steps []Step) (there []Made, left []Step, err error) {
	m := &maker{client: c}
	for _, s := range steps {
		k, err := m.find(ctx, s.Key)
		if err != nil {
			return there, nil, fmt.Errorf("%s: %w; nothing was made", s.Planned, err)
		}
		if k == nil || k.Alias == "" {
			s.found = k != nil
			left = append(left, s)
			continue
		}
		if err := c.readPublic(ctx, c.owner, k); err != nil {
			return there, nil, fmt.Errorf("%s: %w; nothing was made", s.Planned, err)
		}
		if err := CheckKey(k, s.Key.Algorithm, s.Role); err != nil {
			return there, nil, fmt.Errorf("%s: %s exists: %w; nothing was made", s.Planned, s.Key.Alias, err)
		}
		there = append(there, Made{Row: rowOf(s.Planned, k)})
	}
	return there, left, nil
}
