// Package app joins what spans packages: each function is one arrow in the
// way of the data, over a trust directory. Commands parse flags, call one of
// these and print.
package app
