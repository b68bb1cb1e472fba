"""Delivery: pages to people, durable from the alerts topic to the last attempt.

``routes`` decides who is paged for an alert, ``outbox`` holds what is to be sent until it has been,
``late`` collects old alerts into digests, ``dispatch`` sends what is due, ``channels`` speak to
PagerDuty, Alertmanager, webhooks, mail and chats.  Every page is sent at least once, and always
under the same key, so that what is sent twice is seen once.
"""
