-- Days in accounts receivable by span and billing site. Numerator: open balance at the end of the span, which is charges
-- less adjustments of all claims submitted by then less all that was paid on them by then; denominator: charges of the
-- span for each of its days. Only sources that send payments: of the others every claim would look unpaid for ever.
-- excluded counts the claims of the span that came from those others.
-- needs: claims, payments, kpi_span
WITH payer_source AS (
    SELECT DISTINCT c.source
    FROM claims AS c
    WHERE c.paid IS NOT NULL AND c.billed IS NOT NULL
), claim AS (
    SELECT c.ent, c.site, c.service_on, later_day(c.submitted_on, c.service_on) AS owed_on, c.billed,
        c.billed - coalesce(c.adjustment, c.billed - c.allowed, 0) AS net, p.source IS NOT NULL AS counts
    FROM claims AS c
    LEFT JOIN payer_source AS p ON p.source = c.source
    WHERE c.billed IS NOT NULL
), placed AS (
    SELECT c.ent, '' AS site, c.service_on, c.owed_on, c.billed, c.net, c.counts
    FROM claim AS c
    UNION ALL
    SELECT c.ent, c.site, c.service_on, c.owed_on, c.billed, c.net, c.counts
    FROM claim AS c
    WHERE c.site IS NOT NULL
), owed AS (
    SELECT c.site, c.owed_on AS day_on, sum(c.net) AS amount
    FROM placed AS c
    WHERE c.counts
    GROUP BY c.site, c.owed_on
    UNION ALL
    SELECT c.site, later_day(y.paid_on, c.owed_on), -sum(y.paid)
    FROM placed AS c
    JOIN payments AS y ON y.claim_ent = c.ent
    WHERE c.counts
    GROUP BY c.site, later_day(y.paid_on, c.owed_on)
), balance AS (
    SELECT s.span, s.month, o.site, sum(o.amount) AS amount
    FROM owed AS o
    JOIN kpi_span AS s ON o.day_on <= s.to_on
    GROUP BY s.span, s.month, o.site
), charged AS (
    SELECT s.span, s.month, s.days, c.site, sum(c.billed) FILTER (WHERE c.counts) AS amount, count(*) FILTER (WHERE NOT c.counts) AS others
    FROM placed AS c
    JOIN kpi_span AS s ON c.service_on >= s.from_on AND c.service_on <= s.to_on
    GROUP BY s.span, s.month, s.days, c.site
)
SELECT 'days_in_ar' AS kpi, c.span, c.month, c.site,
    CAST(coalesce(b.amount, 0) AS DECIMAL(20,4)) AS numerator,
    CAST(share(c.amount, c.days) AS DECIMAL(20,4)) AS denominator,
    CAST(c.others AS BIGINT) AS excluded
FROM charged AS c
LEFT JOIN balance AS b ON b.span = c.span AND b.month = c.month AND b.site = c.site
WHERE c.amount IS NOT NULL
