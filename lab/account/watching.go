package account

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"cross-account-s3/policy"
)

// watching is what looks on in the accounts: trails, alarms and the topics that these go to. None of it decides an access to the bucket.
type watching struct {
	trails map[string]*Trail // by ARN
	alarms map[string]*Alarm // by ARN
	topics map[string]*Topic // by ARN
	kept   map[string]any    // by ARN
}

func newWatching() watching {
	return watching{map[string]*Trail{}, map[string]*Alarm{}, map[string]*Topic{}, map[string]any{}}
}

func (w *watching) arns() []string {
	return slices.Concat(slices.Collect(maps.Keys(w.trails)), slices.Collect(maps.Keys(w.alarms)), slices.Collect(maps.Keys(w.topics)),
		slices.Collect(maps.Keys(w.kept)))
}

// Keep stores what the lab only keeps, under its ARN; with create false it has to be there already.
func (w *World) Keep(arn string, value any, create bool) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if _, exists := w.kept[arn]; exists == create {
		return conflict(arn, create)
	}
	w.kept[arn] = value
	return nil
}

// Kept is what Keep has stored under an ARN.
func (w *World) Kept(arn string) (any, error) {
	w.mutex.RLock()
	defer w.mutex.RUnlock()
	if value, exists := w.kept[arn]; exists {
		return value, nil
	}
	return nil, conflict(arn, false)
}

// Forget removes what Keep has stored.
func (w *World) Forget(arn string) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if _, exists := w.kept[arn]; !exists {
		return conflict(arn, false)
	}
	delete(w.kept, arn)
	return nil
}

func conflict(arn string, exists bool) error {
	if exists {
		return refuse("ResourceConflictException", "%s already exists", arn)
	}
	return refuse("ResourceNotFoundException", "there is no %s", arn)
}

// authorizeService decides what an AWS service may do in the name of one of an account's own resources, the source, by the policy of the
// bucket or topic. Services speak to each other over TLS.
func (w *World) authorizeService(
	ctx context.Context, service, source, action, resourceARN string, more map[string]any,
) (policy.Result, error) {
	resource := policy.Resource{ARN: resourceARN, AccountID: policy.AccountOf(resourceARN)}
	c := policy.Case{ID: action, Request: policy.Request{Principal: service, Action: action}}
	if rest, isS3 := strings.CutPrefix(resourceARN, "arn:aws:s3:::"); isS3 {
		name, _, _ := strings.Cut(rest, "/")
		if bucket, err := w.Bucket(name); err == nil {
			resource.AccountID = bucket.Account
		}
		c.ResourcePolicy = w.effectivePolicy(name)
	} else if topic, err := w.Topic(resourceARN); err == nil && topic.Policy != "" {
		c.ResourcePolicy = []byte(topic.Policy)
	}
	c.Request.Resource = resource
	c.Request.Context = policy.ImpliedContext(service, resource)
	maps.Copy(c.Request.Context, map[string]any{
		"aws:SourceArn": source, "aws:SourceAccount": policy.AccountOf(source), "aws:SecureTransport": "true", "s3:TlsVersion": "1.3",
	})
	maps.Copy(c.Request.Context, more)
	return w.decider.Decide(ctx, c)
}

// Trail is a CloudTrail trail that records calls on the objects of buckets.
type Trail struct {
	Account, Region, Name string
	// Bucket is where the records go.
	Bucket string
	// Objects are what the ARNs of the recorded objects begin with.
	Objects []string
	// Inputs is all that the trail was made of.
	Inputs any
	// DeliveryError is AWS's code for why the last record could not be delivered; empty where it was.
	DeliveryError string
}

// ARN is the trail's ARN.
func (t *Trail) ARN() string {
	return "arn:aws:cloudtrail:" + t.Region + ":" + t.Account + ":trail/" + t.Name
}

// folder is what CloudTrail puts in front of all that it writes for an account.
func (t *Trail) folder() string { return "AWSLogs/" + t.Account + "/" }

// PutTrail makes or changes a trail. CloudTrail looks whether it may write to the trail's bucket.
//
// Source: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html#API_CreateTrail_Errors
func (w *World) PutTrail(ctx context.Context, trail Trail, create bool) error {
	if _, err := w.Bucket(trail.Bucket); err != nil {
		return refuse("S3BucketDoesNotExistException", "S3 bucket %s does not exist!", trail.Bucket)
	}
	if err := w.mayDeliver(ctx, &trail, trail.folder()); err != nil {
		return err
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if _, exists := w.trails[trail.ARN()]; exists == create {
		if exists {
			return refuse("TrailAlreadyExistsException", "Trail %s already exists for customer: %s", trail.Name, trail.Account)
		}
		return noTrail(trail.ARN())
	}
	trail.Objects = slices.Clone(trail.Objects)
	w.trails[trail.ARN()] = &trail
	return nil
}

// mayDeliver refuses what the policy of the trail's bucket does not let CloudTrail do.
func (w *World) mayDeliver(ctx context.Context, trail *Trail, key string) error {
	arn := (&Bucket{Name: trail.Bucket}).ARN()
	for _, need := range []struct {
		action, resource string
		context          map[string]any
	}{
		{"s3:GetBucketAcl", arn, nil},
		{"s3:PutObject", arn + "/" + key, map[string]any{"s3:x-amz-acl": "bucket-owner-full-control"}},
	} {
		result, err := w.authorizeService(ctx, "cloudtrail.amazonaws.com", trail.ARN(), need.action, need.resource, need.context)
		if err != nil {
			return err
		}
		if result.Decision != policy.Allowed {
			return refuse("InsufficientS3BucketPolicyException", "Incorrect S3 bucket policy is detected for bucket: %s: %s on %s: %s",
				trail.Bucket, need.action, need.resource, result.Verdict())
		}
	}
	return nil
}

// Trail is the trail with this ARN.
func (w *World) Trail(arn string) (Trail, error) {
	w.mutex.RLock()
	defer w.mutex.RUnlock()
	if trail := w.trails[arn]; trail != nil {
		return *trail, nil
	}
	return Trail{}, noTrail(arn)
}

// DeleteTrail deletes a trail, and leaves what it has written.
func (w *World) DeleteTrail(arn string) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.trails[arn] == nil {
		return noTrail(arn)
	}
	delete(w.trails, arn)
	return nil
}

func noTrail(arn string) error { return refuse("TrailNotFoundException", "Unknown trail: %s", arn) }

// Record has the trails of two accounts, that of the bucket and that of the caller, write a record of a call on objects; what the record
// is like in an account is for the function to say. AWS gathers records for some minutes, and here each is a file of its own at once.
//
// Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
func (w *World) Record(ctx context.Context, region, resource string, accounts []string, record func(account string) map[string]any) error {
	w.mutex.RLock()
	var trails []Trail
	for _, trail := range w.trails {
		begins := func(prefix string) bool { return strings.HasPrefix(resource, prefix) }
		if trail.Region == region && slices.Contains(accounts, trail.Account) && slices.ContainsFunc(trail.Objects, begins) {
			trails = append(trails, *trail)
		}
	}
	w.mutex.RUnlock()
	for _, trail := range trails {
		text, err := json.Marshal(map[string]any{"Records": []any{record(trail.Account)}})
		if err != nil {
			return fmt.Errorf("writing a record: %w", err)
		}
		if err := w.deliver(ctx, &trail, text); err != nil {
			return err
		}
	}
	return nil
}

// deliver writes a log file of a trail. That it may not is told by the trail's status alone.
func (w *World) deliver(ctx context.Context, trail *Trail, text []byte) error {
	now := w.now().UTC()
	key := fmt.Sprintf("%sCloudTrail/%s/%s/%s_CloudTrail_%s_%s_%s.json.gz", trail.folder(), trail.Region, now.Format("2006/01/02"),
		trail.Account, trail.Region, now.Format("20060102T1504Z"), uniqueID(""))
	failure := ""
	if w.mayDeliver(ctx, trail, key) != nil {
		failure = "AccessDenied"
	}
	w.mutex.Lock()
	if stored := w.trails[trail.ARN()]; stored != nil {
		stored.DeliveryError = failure
	}
	w.mutex.Unlock()
	if failure != "" {
		return nil
	}
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	if _, err := zip.Write(text); err != nil {
		return fmt.Errorf("packing a record: %w", err)
	}
	if err := zip.Close(); err != nil {
		return fmt.Errorf("packing a record: %w", err)
	}
	if _, err := w.objects.PutObject(ctx, trail.Bucket, key, nil, &packed, int64(packed.Len())); err != nil {
		return fmt.Errorf("delivering a record to %s: %w", trail.Bucket, err)
	}
	return nil
}

// Topic is a topic of SNS.
type Topic struct {
	Account, Region, Name string
	// Policy is empty where the topic has none.
	Policy string
	// Inputs is all that the topic was made of.
	Inputs any
	// Messages are what has been published to it, oldest first.
	Messages []string
}

// ARN is the topic's ARN.
func (t *Topic) ARN() string { return "arn:aws:sns:" + t.Region + ":" + t.Account + ":" + t.Name }

// PutTopic makes or changes a topic, but not its policy.
func (w *World) PutTopic(topic Topic, create bool) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	stored, exists := w.topics[topic.ARN()]
	if exists == create {
		return conflict(topic.ARN(), exists)
	}
	if exists {
		topic.Policy, topic.Messages = stored.Policy, stored.Messages
	}
	w.topics[topic.ARN()] = &topic
	return nil
}

// PutTopicPolicy sets a topic's policy; the empty one takes it away.
func (w *World) PutTopicPolicy(arn, document string) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	topic := w.topics[arn]
	if topic == nil {
		return conflict(arn, false)
	}
	if document != "" {
		if _, err := policy.ReadDocument(policy.ResourcePolicy, topic.Name, []byte(document)); err != nil {
			return refuse("InvalidParameter", "Invalid parameter: Policy Error: %v", err)
		}
	}
	topic.Policy = document
	return nil
}

// Topic is the topic with this ARN.
func (w *World) Topic(arn string) (Topic, error) {
	w.mutex.RLock()
	defer w.mutex.RUnlock()
	if topic := w.topics[arn]; topic != nil {
		result := *topic
		result.Messages = slices.Clone(topic.Messages)
		return result, nil
	}
	return Topic{}, conflict(arn, false)
}

// DeleteTopic deletes a topic.
func (w *World) DeleteTopic(arn string) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.topics[arn] == nil {
		return conflict(arn, false)
	}
	delete(w.topics, arn)
	return nil
}

// Metric is a series of CloudWatch. One with other dimensions, or fewer of them, is another.
type Metric struct {
	Account, Region, Namespace, Name string
	Dimensions                       map[string]string
}

func (m *Metric) same(other *Metric) bool {
	return m.Account == other.Account && m.Region == other.Region && m.Namespace == other.Namespace && m.Name == other.Name &&
		maps.Equal(m.Dimensions, other.Dimensions)
}

// Alarm is a CloudWatch alarm that goes off when its metric is at the threshold or above within one period.
type Alarm struct {
	Metric
	Name string
	// Statistic is Sum or a percentile as p99.
	Statistic string
	Threshold float64
	Period    time.Duration
	// Topics are the ARNs of those that are told when it goes off.
	Topics []string
	// Inputs is all that the alarm was made of.
	Inputs any
	// State is OK or ALARM; no data is no alarm.
	State string
	// ActionError says why a topic could not be told; empty where all were.
	ActionError string

	points []point
}

type point struct {
	at    time.Time
	value float64
}

// ARN is the alarm's ARN.
func (a *Alarm) ARN() string {
	return "arn:aws:cloudwatch:" + a.Region + ":" + a.Account + ":alarm:" + a.Name
}

// evaluate says in which state the alarm is.
func (a *Alarm) evaluate(now time.Time) string {
	var values []float64
	for _, point := range a.points {
		if now.Sub(point.at) < a.Period {
			values = append(values, point.value)
		}
	}
	if len(values) == 0 {
		return "OK"
	}
	slices.Sort(values)
	result := 0.0
	var percentile float64
	if _, err := fmt.Sscanf(a.Statistic, "p%f", &percentile); err == nil {
		result = values[max(int(math.Ceil(percentile/100*float64(len(values)))), 1)-1]
	} else {
		for _, value := range values {
			result += value
		}
	}
	if result >= a.Threshold {
		return "ALARM"
	}
	return "OK"
}

// PutAlarm makes or changes an alarm.
func (w *World) PutAlarm(alarm Alarm, create bool) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if _, exists := w.alarms[alarm.ARN()]; exists == create {
		return conflict(alarm.ARN(), exists)
	}
	alarm.State = "OK"
	w.alarms[alarm.ARN()] = &alarm
	return nil
}

// Alarm is the alarm with this ARN, as it is now.
func (w *World) Alarm(arn string) (Alarm, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if alarm := w.alarms[arn]; alarm != nil {
		alarm.State = alarm.evaluate(w.now())
		return *alarm, nil
	}
	return Alarm{}, conflict(arn, false)
}

// DeleteAlarm deletes an alarm.
func (w *World) DeleteAlarm(arn string) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.alarms[arn] == nil {
		return conflict(arn, false)
	}
	delete(w.alarms, arn)
	return nil
}

// Measure gives a metric a value. Alarms that go off because of it publish to their topics, if these let them.
func (w *World) Measure(ctx context.Context, metric Metric, value float64) error {
	w.mutex.Lock()
	var gone []Alarm
	for _, alarm := range w.alarms {
		if !alarm.same(&metric) {
			continue
		}
		alarm.points = append(alarm.points, point{w.now(), value})
		before := alarm.State
		alarm.State = alarm.evaluate(w.now())
		if before == "OK" && alarm.State == "ALARM" {
			gone = append(gone, *alarm)
		}
	}
	w.mutex.Unlock()
	for _, alarm := range gone {
		for _, topic := range alarm.Topics {
			if err := w.publish(ctx, &alarm, topic); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *World) publish(ctx context.Context, alarm *Alarm, topicARN string) error {
	result, err := w.authorizeService(ctx, "cloudwatch.amazonaws.com", alarm.ARN(), "sns:Publish", topicARN, nil)
	if err != nil {
		return err
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	stored, topic := w.alarms[alarm.ARN()], w.topics[topicARN]
	switch {
	case stored == nil:
	case topic == nil || result.Decision != policy.Allowed:
		stored.ActionError = fmt.Sprintf("Failed to execute action %s: %s is not authorized to perform: SNS:Publish: %s",
			topicARN, alarm.ARN(), result.Verdict())
	default:
		stored.ActionError = ""
		topic.Messages = append(topic.Messages, "ALARM: "+alarm.Name)
	}
	return nil
}
