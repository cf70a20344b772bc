// Package strict reads JSON that comes from outside: from a stick, a network
// or another program. It refuses what encoding/json lets pass: duplicate keys,
// unknown fields, field names in another case, null in place of a value,
// invalid UTF-8, data after the value, and anything too large or too deep. It
// reports all of these together, each with its line, column and field path.
//
// Problem and Problems are also how a plan reports what is wrong with it.
//
// It imports the standard library alone.
package strict
