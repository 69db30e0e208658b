"""Direct messages over the Send API, which two platforms of Meta have in common.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages
"""
