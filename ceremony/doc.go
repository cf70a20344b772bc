// Package ceremony walks a person through the day at the root's token: one
// reviewed request goes in, one record comes out.
//
// Every step's intent and result are in the journal before the next step
// begins, so that a ceremony cut at any instant goes on with the same command.
// The package refuses a host with a network, a clock outside the plan's day,
// another token than the plan's and a request that does not check. It opens
// no connection and starts no program.
package ceremony
