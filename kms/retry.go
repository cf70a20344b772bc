package kms

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
)

// attempts before a call is given up, unless AWS_MAX_ATTEMPTS or the shared
// configuration says otherwise. The SDK's three are too few for a throttle and
// a torn connection in a row.
const attempts = 8

// retryer is the SDK's standard one, telling progress. Without retryables it
// has the SDK's own.
func (o Options) retryer(attempts int, retryables ...retry.IsErrorRetryable) aws.Retryer {
	return talking{retry.NewStandard(func(so *retry.StandardOptions) {
		so.MaxAttempts = attempts
		if len(retryables) > 0 {
			so.Retryables = retryables
		}
		if o.MaxBackoff > 0 {
			so.MaxBackoff = o.MaxBackoff
		}
	}), o.Progress}
}

type talking struct {
	aws.RetryerV2
	progress func(string)
}

// RetryDelay implements aws.Retryer.
func (t talking) RetryDelay(attempt int, err error) (time.Duration, error) {
	wait, delayErr := t.RetryerV2.RetryDelay(attempt, err)
	if delayErr == nil {
		t.progress(fmt.Sprintf("KMS: %s; attempt %d of %d in %s", reason(err), attempt+1, t.MaxAttempts(), wait.Round(10*time.Millisecond)))
	}
	return wait, delayErr
}

// reason is an error in few words.
func reason(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		if isThrottle(err) {
			return "throttled"
		}
		return e.ErrorCode()
	}
	return "no answer"
}

func isThrottle(err error) bool {
	return retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}.IsErrorThrottle(err) == aws.TrueTernary
}

// providerErrors marks what goes wrong while credentials are fetched, which
// the SDK does not type.
type providerErrors struct{ aws.CredentialsProvider }

// Retrieve implements aws.CredentialsProvider.
func (p providerErrors) Retrieve(ctx context.Context) (aws.Credentials, error) {
	if p.CredentialsProvider == nil {
		return aws.Credentials{}, &credentialsError{errors.New("no provider")}
	}
	credentials, err := p.CredentialsProvider.Retrieve(ctx)
	if err != nil {
		return credentials, &credentialsError{err}
	}
	return credentials, nil
}

type credentialsError struct{ err error }

func (e *credentialsError) Error() string { return e.err.Error() }
func (e *credentialsError) Unwrap() error { return e.err }
