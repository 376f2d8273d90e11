"""The Telegram bot: hears of voice messages, asks the two services, answers in the chat.

Data flows one way: session (Telegram) -> bot (what was sent) -> inbox (what is to be answered) -> worker (asks the
services) -> messenger (Telegram). Not done here: recognition and moods, which the services know.
"""
