package provider

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"cross-account-s3/lab/account"
)

// https://www.pulumi.com/registry/packages/aws/api-docs/cloudtrail/trail/
type cloudTrail struct {
	Name                       string                  `json:"name" lab:"name"`
	S3BucketName               string                  `json:"s3BucketName" lab:"required"`
	IsMultiRegionTrail         bool                    `json:"isMultiRegionTrail" default:"false"`
	IncludeGlobalServiceEvents bool                    `json:"includeGlobalServiceEvents" default:"true"`
	EnableLogging              bool                    `json:"enableLogging" default:"true"`
	EnableLogFileValidation    bool                    `json:"enableLogFileValidation" default:"false"`
	AdvancedEventSelectors     []advancedEventSelector `json:"advancedEventSelectors,omitempty"`
	Tags                       map[string]string       `json:"tags,omitempty"`
}

type advancedEventSelector struct {
	Name           string          `json:"name,omitempty"`
	FieldSelectors []fieldSelector `json:"fieldSelectors"`
}

type fieldSelector struct {
	Field       string   `json:"field"`
	Equals      []string `json:"equals,omitempty"`
	StartsWiths []string `json:"startsWiths,omitempty"`
}

func (t *cloudTrail) trail(s *session, name string) *account.Trail {
	return &account.Trail{Account: s.account, Region: s.region, Name: name}
}

// objects are what the ARNs of recorded objects begin with. A selector of anything else is refused, as the lab would record nothing of it.
func (t *cloudTrail) objects() ([]string, error) {
	var objects []string
	for _, selector := range t.AdvancedEventSelectors {
		var arns []string
		fields := map[string]string{}
		for _, field := range selector.FieldSelectors {
			if field.Field == "resources.ARN" && len(field.Equals) == 0 {
				arns = append(arns, field.StartsWiths...)
				continue
			}
			fields[field.Field] = strings.Join(append(slices.Clone(field.Equals), field.StartsWiths...), " or ")
		}
		if len(arns) == 0 || len(fields) != 2 || fields["eventCategory"] != "Data" || fields["resources.type"] != "AWS::S3::Object" {
			return nil, fmt.Errorf("the lab records data events of AWS::S3::Object by the beginning of resources.ARN alone, and trail %s "+
				"selects something else", t.Name)
		}
		objects = append(objects, arns...)
	}
	return objects, nil
}

func (t *cloudTrail) put(ctx context.Context, s *session, create bool) (string, error) {
	stored := t.trail(s, t.Name)
	action := "cloudtrail:UpdateTrail"
	if create {
		action = "cloudtrail:CreateTrail"
	}
	if err := s.may(ctx, action, stored.ARN()); err != nil {
		return stored.ARN(), err
	}
	objects, err := t.objects()
	if err != nil {
		return stored.ARN(), err
	}
	if t.EnableLogging {
		stored.Objects = objects
	}
	stored.Bucket, stored.Inputs = t.S3BucketName, *t
	return stored.ARN(), s.world.PutTrail(ctx, *stored, create)
}

func (t *cloudTrail) get(ctx context.Context, s *session, id string) (map[string]any, error) {
	if err := s.may(ctx, "cloudtrail:GetTrail", id); err != nil {
		return nil, err
	}
	stored, err := s.world.Trail(id)
	if err != nil {
		return nil, err
	}
	*t, _ = stored.Inputs.(cloudTrail)
	return map[string]any{"arn": id, "homeRegion": s.region, "tagsAll": tags(t.Tags)}, nil
}

func (t *cloudTrail) remove(ctx context.Context, s *session, id string) error {
	if err := s.may(ctx, "cloudtrail:DeleteTrail", id); err != nil {
		return err
	}
	return s.world.DeleteTrail(id)
}

// https://www.pulumi.com/registry/packages/aws/api-docs/s3/bucketmetric/
//
// The lab counts the requests to all of a bucket, and has no filter.
type bucketMetric struct {
	Bucket string `json:"bucket" lab:"required,replaces"`
	Name   string `json:"name" lab:"name"`
}

func (m *bucketMetric) put(ctx context.Context, s *session, _ bool) (string, error) {
	return m.Bucket + ":" + m.Name, s.configure(ctx, "s3:PutMetricsConfiguration", m.Bucket, account.RequestMetrics+m.Name, map[string]any{})
}

func (m *bucketMetric) get(ctx context.Context, s *session, id string) (map[string]any, error) {
	m.Bucket, m.Name, _ = strings.Cut(id, ":")
	_, err := s.configured(ctx, "s3:GetMetricsConfiguration", m.Bucket, account.RequestMetrics+m.Name)
	return nil, err
}

func (m *bucketMetric) remove(ctx context.Context, s *session, id string) error {
	m.Bucket, m.Name, _ = strings.Cut(id, ":")
	return s.configure(ctx, "s3:PutMetricsConfiguration", m.Bucket, account.RequestMetrics+m.Name, nil)
}

// https://www.pulumi.com/registry/packages/aws/api-docs/s3/bucketlifecycleconfigurationv2/
//
// In the lab no time passes in which an object would expire.
type bucketLifecycle struct {
	Bucket string          `json:"bucket" lab:"name"`
	Rules  []lifecycleRule `json:"rules" lab:"required"`
}

type lifecycleRule struct {
	ID                             string         `json:"id"`
	Status                         string         `json:"status"`
	Filter                         map[string]any `json:"filter,omitempty"`
	Expiration                     map[string]any `json:"expiration,omitempty"`
	NoncurrentVersionExpiration    map[string]any `json:"noncurrentVersionExpiration,omitempty"`
	AbortIncompleteMultipartUpload map[string]any `json:"abortIncompleteMultipartUpload,omitempty"`
}

const lifecycle = "lifecycle"

func (l *bucketLifecycle) put(ctx context.Context, s *session, _ bool) (string, error) {
	return l.Bucket, s.configure(ctx, "s3:PutLifecycleConfiguration", l.Bucket, lifecycle, map[string]any{"rules": l.Rules})
}

func (l *bucketLifecycle) get(ctx context.Context, s *session, id string) (map[string]any, error) {
	value, err := s.configured(ctx, "s3:GetLifecycleConfiguration", id, lifecycle)
	l.Bucket = id
	l.Rules, _ = value["rules"].([]lifecycleRule)
	return nil, err
}

func (l *bucketLifecycle) remove(ctx context.Context, s *session, id string) error {
	return s.configure(ctx, "s3:PutLifecycleConfiguration", id, lifecycle, nil)
}

// https://www.pulumi.com/registry/packages/aws/api-docs/cloudwatch/metricalarm/
type metricAlarm struct {
	Name               string            `json:"name" lab:"name"`
	AlarmDescription   string            `json:"alarmDescription,omitempty"`
	Namespace          string            `json:"namespace" lab:"required"`
	MetricName         string            `json:"metricName" lab:"required"`
	Dimensions         map[string]string `json:"dimensions,omitempty"`
	Statistic          string            `json:"statistic,omitempty"`
	ExtendedStatistic  string            `json:"extendedStatistic,omitempty"`
	ComparisonOperator string            `json:"comparisonOperator" lab:"required"`
	Threshold          float64           `json:"threshold" lab:"required"`
	Period             int               `json:"period" lab:"required"`
	EvaluationPeriods  int               `json:"evaluationPeriods" lab:"required"`
	TreatMissingData   string            `json:"treatMissingData" default:"\"missing\""`
	AlarmActions       []string          `json:"alarmActions,omitempty"`
	OkActions          []string          `json:"okActions,omitempty"`
	ActionsEnabled     bool              `json:"actionsEnabled" default:"true"`
	Tags               map[string]string `json:"tags,omitempty"`
}

func (a *metricAlarm) alarm(s *session, name string) *account.Alarm {
	return &account.Alarm{Metric: account.Metric{Account: s.account, Region: s.region}, Name: name}
}

func (a *metricAlarm) put(ctx context.Context, s *session, create bool) (string, error) {
	stored := a.alarm(s, a.Name)
	if err := s.may(ctx, "cloudwatch:PutMetricAlarm", stored.ARN()); err != nil {
		return a.Name, err
	}
	statistic := a.Statistic + a.ExtendedStatistic
	if a.ComparisonOperator != "GreaterThanOrEqualToThreshold" || a.EvaluationPeriods != 1 || a.TreatMissingData != "notBreaching" ||
		statistic != "Sum" && !strings.HasPrefix(statistic, "p") {
		return a.Name, fmt.Errorf("the lab evaluates alarms on a Sum or percentile of one period that is at the threshold or above, where no "+
			"data is no alarm, and alarm %s is another one", a.Name)
	}
	stored.Namespace, stored.Metric.Name, stored.Dimensions = a.Namespace, a.MetricName, a.Dimensions
	stored.Statistic, stored.Threshold, stored.Period = statistic, a.Threshold, time.Duration(a.Period)*time.Second
	if a.ActionsEnabled {
		stored.Topics = a.AlarmActions
	}
	stored.Inputs = *a
	return a.Name, s.world.PutAlarm(*stored, create)
}

func (a *metricAlarm) get(ctx context.Context, s *session, id string) (map[string]any, error) {
	arn := a.alarm(s, id).ARN()
	if err := s.may(ctx, "cloudwatch:DescribeAlarms", arn); err != nil {
		return nil, err
	}
	stored, err := s.world.Alarm(arn)
	if err != nil {
		return nil, err
	}
	*a, _ = stored.Inputs.(metricAlarm)
	return map[string]any{"arn": arn, "tagsAll": tags(a.Tags)}, nil
}

func (a *metricAlarm) remove(ctx context.Context, s *session, id string) error {
	arn := a.alarm(s, id).ARN()
	if err := s.may(ctx, "cloudwatch:DeleteAlarms", arn); err != nil {
		return err
	}
	return s.world.DeleteAlarm(arn)
}

// keep stores what the lab only keeps.
func keep(ctx context.Context, s *session, action, arn string, value any, create bool) error {
	if err := s.may(ctx, action, arn); err != nil {
		return err
	}
	return s.world.Keep(arn, value, create)
}

// kept is what has been stored under an ARN.
func kept[T any](ctx context.Context, s *session, action, arn string) (T, error) {
	var value T
	if err := s.may(ctx, action, arn); err != nil {
		return value, err
	}
	stored, err := s.world.Kept(arn)
	value, _ = stored.(T)
	return value, err
}

func forget(ctx context.Context, s *session, action, arn string) error {
	if err := s.may(ctx, action, arn); err != nil {
		return err
	}
	return s.world.Forget(arn)
}

// https://www.pulumi.com/registry/packages/aws/api-docs/cloudwatch/dashboard/
type dashboard struct {
	DashboardName string `json:"dashboardName" lab:"name"`
	DashboardBody string `json:"dashboardBody" lab:"required,policy"`
}

func (d *dashboard) arn(s *session, name string) string {
	return "arn:aws:cloudwatch::" + s.account + ":dashboard/" + name
}

func (d *dashboard) put(ctx context.Context, s *session, create bool) (string, error) {
	if !json.Valid([]byte(d.DashboardBody)) {
		return d.DashboardName, &account.Error{Code: "InvalidParameterInput", Message: "The field DashboardBody must be a valid JSON object"}
	}
	return d.DashboardName, keep(ctx, s, "cloudwatch:PutDashboard", d.arn(s, d.DashboardName), *d, create)
}

func (d *dashboard) get(ctx context.Context, s *session, id string) (_ map[string]any, err error) {
	*d, err = kept[dashboard](ctx, s, "cloudwatch:GetDashboard", d.arn(s, id))
	return map[string]any{"dashboardArn": d.arn(s, id)}, err
}

func (d *dashboard) remove(ctx context.Context, s *session, id string) error {
	return forget(ctx, s, "cloudwatch:DeleteDashboards", d.arn(s, id))
}

// https://www.pulumi.com/registry/packages/aws/api-docs/sns/topic/
type topic struct {
	Name string            `json:"name" lab:"name"`
	Tags map[string]string `json:"tags,omitempty"`
}

func (t *topic) put(ctx context.Context, s *session, create bool) (string, error) {
	stored := account.Topic{Account: s.account, Region: s.region, Name: t.Name, Inputs: *t}
	action := "sns:TagResource"
	if create {
		action = "sns:CreateTopic"
	}
	if err := s.may(ctx, action, stored.ARN()); err != nil {
		return stored.ARN(), err
	}
	return stored.ARN(), s.world.PutTopic(stored, create)
}

func (t *topic) get(ctx context.Context, s *session, id string) (map[string]any, error) {
	if err := s.may(ctx, "sns:GetTopicAttributes", id); err != nil {
		return nil, err
	}
	stored, err := s.world.Topic(id)
	if err != nil {
		return nil, err
	}
	*t, _ = stored.Inputs.(topic)
	return map[string]any{"arn": id, "owner": stored.Account, "tagsAll": tags(t.Tags)}, nil
}

func (t *topic) remove(ctx context.Context, s *session, id string) error {
	if err := s.may(ctx, "sns:DeleteTopic", id); err != nil {
		return err
	}
	return s.world.DeleteTopic(id)
}

// https://www.pulumi.com/registry/packages/aws/api-docs/sns/topicpolicy/
type topicPolicy struct {
	ARN    string `json:"arn" lab:"name"`
	Policy string `json:"policy" lab:"required,policy"`
}

func (p *topicPolicy) put(ctx context.Context, s *session, _ bool) (string, error) {
	if err := s.may(ctx, "sns:SetTopicAttributes", p.ARN); err != nil {
		return p.ARN, err
	}
	return p.ARN, s.world.PutTopicPolicy(p.ARN, p.Policy)
}

func (p *topicPolicy) get(ctx context.Context, s *session, id string) (map[string]any, error) {
	if err := s.may(ctx, "sns:GetTopicAttributes", id); err != nil {
		return nil, err
	}
	stored, err := s.world.Topic(id)
	if err != nil {
		return nil, err
	}
	if p.ARN, p.Policy = id, stored.Policy; p.Policy == "" {
		return nil, &account.Error{Code: notConfigured, Message: "the topic " + id + " has no policy but that of every new one"}
	}
	return map[string]any{"owner": stored.Account}, nil
}

func (p *topicPolicy) remove(ctx context.Context, s *session, id string) error {
	if err := s.may(ctx, "sns:SetTopicAttributes", id); err != nil {
		return err
	}
	return s.world.PutTopicPolicy(id, "")
}

// https://www.pulumi.com/registry/packages/aws/api-docs/sns/topicsubscription/
//
// The lab sends nothing to anybody, so that subscriptions stay unconfirmed.
type topicSubscription struct {
	Topic    string `json:"topic" lab:"required,replaces"`
	Protocol string `json:"protocol" lab:"required,replaces"`
	Endpoint string `json:"endpoint" lab:"required,replaces"`
}

func (t *topicSubscription) put(ctx context.Context, s *session, create bool) (string, error) {
	if _, err := s.world.Topic(t.Topic); err != nil {
		return t.Endpoint, err
	}
	if err := s.may(ctx, "sns:Subscribe", t.Topic); err != nil {
		return t.Endpoint, err
	}
	arn := t.Topic + ":" + rand.Text()
	return arn, s.world.Keep(arn, *t, create)
}

func (t *topicSubscription) get(ctx context.Context, s *session, id string) (_ map[string]any, err error) {
	*t, err = kept[topicSubscription](ctx, s, "sns:GetSubscriptionAttributes", id)
	return map[string]any{"arn": id, "ownerId": s.account, "pendingConfirmation": true}, err
}

func (t *topicSubscription) remove(ctx context.Context, s *session, id string) error {
	return forget(ctx, s, "sns:Unsubscribe", id)
}

// https://www.pulumi.com/registry/packages/aws/api-docs/accessanalyzer/analyzer/
//
// The lab finds nothing with it.
type analyzer struct {
	AnalyzerName string            `json:"analyzerName" lab:"name"`
	Type         string            `json:"type" lab:"replaces" default:"\"ACCOUNT\""`
	Tags         map[string]string `json:"tags,omitempty"`
}

func (a *analyzer) arn(s *session, name string) string {
	return "arn:aws:access-analyzer:" + s.region + ":" + s.account + ":analyzer/" + name
}

func (a *analyzer) put(ctx context.Context, s *session, create bool) (string, error) {
	action := "access-analyzer:TagResource"
	if create {
		action = "access-analyzer:CreateAnalyzer"
	}
	return a.AnalyzerName, keep(ctx, s, action, a.arn(s, a.AnalyzerName), *a, create)
}

func (a *analyzer) get(ctx context.Context, s *session, id string) (_ map[string]any, err error) {
	*a, err = kept[analyzer](ctx, s, "access-analyzer:GetAnalyzer", a.arn(s, id))
	return map[string]any{"arn": a.arn(s, id), "tagsAll": tags(a.Tags)}, err
}

func (a *analyzer) remove(ctx context.Context, s *session, id string) error {
	return forget(ctx, s, "access-analyzer:DeleteAnalyzer", a.arn(s, id))
}
