package account

import (
	"context"
	"fmt"
	"strings"

	"cross-account-s3/policy"
)

// AccessLogging is the configuration that says where S3 logs the requests to a bucket: to the targetBucket, under the targetPrefix.
const AccessLogging = "accessLogging"

// WriteAccessLog writes a line to where the bucket's requests are logged, if they are. S3 does not tell anybody when it may not.
//
// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html
func (w *World) WriteAccessLog(ctx context.Context, bucket Bucket, line string) error {
	target, _ := bucket.Configurations[AccessLogging]["targetBucket"].(string)
	prefix, _ := bucket.Configurations[AccessLogging]["targetPrefix"].(string)
	logs, err := w.Bucket(target)
	if target == "" || err != nil || logs.Account != bucket.Account || logs.Region != bucket.Region {
		return nil //nolint:nilerr // A target that is gone, or is not in the same account and region, gets no logs.
	}
	key := prefix + w.now().UTC().Format("2006-01-02-15-04-05-") + uniqueID("")
	result, err := w.authorizeService(ctx, "logging.s3.amazonaws.com", bucket.ARN(), "s3:PutObject", logs.ARN()+"/"+key,
		map[string]any{"aws:SourceAccount": bucket.Account})
	if err != nil {
		return err
	}
	if result.Decision != policy.Allowed {
		return nil
	}
	if _, err := w.objects.PutObject(ctx, target, key, map[string]string{}, strings.NewReader(line), int64(len(line))); err != nil {
		return fmt.Errorf("writing an access log to %s: %w", target, err)
	}
	return nil
}
